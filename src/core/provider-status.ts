/** A vendor's own word about its provider. */
export const VENDOR_LEVELS = ['operational', 'degraded', 'outage', 'maintenance'] as const;
export type VendorLevel = (typeof VENDOR_LEVELS)[number];
