/**
 * The value of `Authorization` or `Proxy-Authorization` (RFC 7617) for a URL with user and password; undefined for one
 * without. A percent sign that begins no escape stands for itself, as curl reads it.
 */
export function basicCredentials({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  const userPass = Buffer.from(`${decode(username)}:${decode(password)}`, 'latin1')
  return `Basic ${userPass.toString('base64')}`
}

/** A URL has ASCII alone. Each character of the result is a byte. */
function decode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
