/** The environment variable that names the name server. */
export const NAME_SERVER_VARIABLE = 'DEMO_NAME_SERVER'
