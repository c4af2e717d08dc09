/** Countries of the public lists' regions: the first pattern that fits `cloud region`. */
const COUNTRIES: readonly (readonly [RegExp, string])[] = [
  [/^(aws ap-northeast-2|gcp asia-northeast3|scp)|\bkr/i, 'KR'],
  [/^aws ap-northeast|^(gcp|lambda) asia-northeast|jp\b|jp-|japan/i, 'JP'],
  [
    /\bus[- ]|\bus$|united states|kansas|michigan|new york|oklahoma|oregon|texas|washington|east coast/i,
    'US',
  ],
  [/canada|northamerica|\bca[- ]|\bca$|british columbia|quebec|bhs/i, 'CA'],
  [/^aws eu-central|europe-west3|europe-central-1|eu-de|germany|bavaria|\bde\b|fra$/i, 'DE'],
  [/eu-west-2|europe-west2|\bgb|united kingdom|lon$/i, 'GB'],
  [/eu-west-3|france|\bfr$|gra$/i, 'FR'],
  [/eu-north|sweden|\bse-/i, 'SE'],
  [/norway|\bno-|europe-no/i, 'NO'],
  [/europe-west4/i, 'NL'],
  [/europe-west1/i, 'BE'],
  [/europe-central2|europe-pl|waw/i, 'PL'],
  [/^aws eu-west-1/i, 'IE'],
  [/^aws eu-south|europe-south|^seeweb|italy/i, 'IT'],
  [/fin-|finland|\bfi$/i, 'FI'],
  [/ap-southeast-1|asia-southeast1/i, 'SG'],
  [/ap-southeast-2|australia|\bau/i, 'AU'],
  [/south-1|asia-south|\bin\d/i, 'IN'],
  [/asia-east1|taiwan|taichung/i, 'TW'],
  [/asia-east2|ap-east|hong kong|\bhk$/i, 'HK'],
  [/sa-east|southamerica|br-/i, 'BR'],
  [/\bru$/i, 'RU'],
];

/** ISO 3166-1 alpha-2; ZZ: it is none of those that matter here. */
export function countryOf(cloud: string, region: string): string {
  const place = `${cloud} ${region}`;
  return COUNTRIES.find(([pattern]) => pattern.test(place))?.[1] ?? 'ZZ';
}
