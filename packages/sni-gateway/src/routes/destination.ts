/**
 * What a routing header may hold: direction, port, no subset, and the name of a service, as Istio writes its clusters. Nothing in it is
 * ever resolved or dialled; it is looked up in the table as it stands.
 */
const DESTINATION =
  /^outbound\|[1-9]\d{0,4}\|\|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/
const MAX_DESTINATION_LENGTH = 300

export const DESTINATION_SYNTAX = 'outbound|PORT||SERVICE.NAMESPACE.svc.cluster.local'

export function isDestination(text: string): boolean {
  return text.length <= MAX_DESTINATION_LENGTH && DESTINATION.test(text)
}
