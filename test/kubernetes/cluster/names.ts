/** The Shoot's control plane in the seed, as its name and namespace make it. */
export const SEED_NAMESPACE = 'shoot--core--lab'
export const SHOOT_DOMAIN = 'lab.core.example'
export const API_SERVER_HOST = `api.${SHOOT_DOMAIN}`
