/**
 * ISO 4217, list one, as of 2026: the codes that are in use, with those of funds and metals. Written down rather than
 * asked of the runtime, whose list has every currency that there ever was and differs between builds.
 */
const CURRENCIES: ReadonlySet<string> = new Set(
  `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW
   CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL
   HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA
   MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
   RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD
   USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX
   YER ZAR ZMW ZWG`.split(/\s+/),
);

/** Is it the code of a currency? Upper case only, as it is written. */
export function isCurrency(code: string): boolean {
  return CURRENCIES.has(code);
}

/**
 * ISO 4217's minor unit, where it is not two digits: what the smallest coin is. The codes of funds and metals have none,
 * and keep two here, as nobody is billed in them.
 */
const DIGITS: Readonly<Record<number, readonly string[]>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' '),
  3: 'BHD IQD JOD KWD LYD OMR TND'.split(' '),
  4: 'CLF UYW'.split(' '),
};

/** How many digits after the point an amount of it that is paid may have. */
export function minorDigits(currency: string): number {
  const found = Object.entries(DIGITS).find(([, codes]) => codes.includes(currency));
  return found === undefined ? 2 : Number(found[0]);
}
