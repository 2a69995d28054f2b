import { readFileSync } from 'node:fs'
import { endpoint, isHostName, oneLine, PROXY_PROTOCOL_VERSIONS } from '@reversed-vpn/daemon'
import { LineCounter, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { DESTINATION_SYNTAX, isDestination, type Route, RouteTable } from './route-table.js'

/** A routes file that cannot be used. The message names the file, the place in it, and what is expected there. */
export class RoutesFileError extends Error {
  readonly code = 'ERR_ROUTES_FILE'

  constructor(file: string, problem: string, cause?: unknown) {
    super(`${file}: ${oneLine(problem)}`, cause === undefined ? undefined : { cause })
    this.name = 'RoutesFileError'
  }
}

const backendKind = endpoint({ minPort: 1 })

const backend = z.string().transform((text, context) => {
  const parsed = parseBackend(text)
  if (typeof parsed !== 'string') return parsed
  context.addIssue({ code: 'custom', message: parsed })
  return z.NEVER
})

const routeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'expected letters a–z, digits, dots and hyphens'),
  serverNames: z
    .array(
      z
        .string()
        .refine(isHostName, 'expected a DNS name')
        // As a ClientHello has it (RFC 6066 §3).
        .transform((name) => name.toLowerCase().replace(/\.$/, '')),
    )
    .default([]),
  alpn: z.string().min(1).max(255).optional(),
  destinations: z.array(z.string().refine(isDestination, `expected ${DESTINATION_SYNTAX}`)).default([]),
  backend,
  proxyProtocol: z.enum(PROXY_PROTOCOL_VERSIONS).optional(),
})

const fileSchema = z.strictObject({ routes: z.array(routeSchema) })

/**
 * Reads a routes file.
 *
 * @throws RoutesFileError
 */
export function readRoutesFile(file: string): RouteTable {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new RoutesFileError(file, `cannot be read: ${(error as Error).message}`, error)
  }
  const parsed = fileSchema.safeParse(parseYaml(file, text))
  if (!parsed.success) throw new RoutesFileError(file, describeIssue(parsed.error.issues[0]))
  const { routes } = parsed.data
  const conflict = findConflict(routes)
  if (conflict !== undefined) throw new RoutesFileError(file, conflict)
  return new RouteTable(routes)
}

function parseYaml(file: string, text: string): unknown {
  const lineCounter = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: true })
  if (!Array.isArray(documents) || documents.length !== 1) {
    throw new RoutesFileError(
      file,
      `expected one YAML document, found ${Array.isArray(documents) ? documents.length : 0}`,
    )
  }
  const [document] = documents
  const [problem] = [...(document?.errors ?? []), ...(document?.warnings ?? [])]
  if (problem !== undefined) throw new RoutesFileError(file, problem.message, problem)
  try {
    return document?.toJS({ maxAliasCount: 0 })
  } catch (error) {
    throw new RoutesFileError(file, 'aliases are not supported', error)
  }
}

function describeIssue(issue: z.core.$ZodIssue | undefined): string {
  const path = issue?.path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
  return `${path?.replace(/^\./, '') || 'the document'}: ${issue?.message ?? 'not usable'}`
}

/** What two routes both claim, or what a route cannot be reached by. */
function findConflict(routes: readonly Route[]): string | undefined {
  const owners = new Map<string, number>()
  for (const [index, route] of routes.entries()) {
    const { serverNames, destinations, alpn } = route
    if (serverNames.length + destinations.length === 0) {
      return `routes[${index}]: expected serverNames or destinations, or no connection can match`
    }
    if (alpn !== undefined && serverNames.length === 0)
      return `routes[${index}].alpn: works only with serverNames`
    const claims = [
      `name ${route.name}`,
      ...serverNames.map((name) => `server name ${name}${alpn === undefined ? '' : ` with alpn ${alpn}`}`),
      ...destinations.map((destination) => `destination ${destination}`),
    ]
    for (const claim of claims) {
      const owner = owners.get(claim)
      if (owner !== undefined) return `routes[${index}]: ${claim} is taken by routes[${owner}]`
      owners.set(claim, index)
    }
  }
  return undefined
}

function parseBackend(text: string) {
  try {
    return backendKind.parse(text) ?? `expected ${backendKind.expected}`
  } catch (error) {
    return `${(error as Error).message}, expected ${backendKind.expected}`
  }
}
