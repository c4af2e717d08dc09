import { defineConfig } from 'drizzle-kit';

/** Only for `npm run generate:migrations`: the service applies what lies in migrations/ by itself. */
export default defineConfig({ dialect: 'postgresql', schema: './src/store/schema.ts', out: './migrations' });
