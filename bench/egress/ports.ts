/** The pod's web server. */
export const WEB_PORT = 80
/** The pod's bulk server. */
export const BULK_PORT = 5301
