export { reportExpiry } from './certificate-expiry.js'
