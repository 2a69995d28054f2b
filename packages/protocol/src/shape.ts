/** Checks a value from outside and returns what is kept of it. @throws ShapeError */
export type Shape<Value> = (value: unknown) => Value

/** A value is not as expected. The message quotes nothing of it: it may be a secret. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError'
  /** The keys that lead to it, the outermost first. */
  readonly path: readonly string[]

  constructor(expected: string, path: readonly string[] = []) {
    super(expected)
    this.path = path
  }
}

/** A key that may be missing, in {@link object}. */
interface OptionalShape<Value> {
  readonly optional: Shape<Value>
}

type Fields = Readonly<Record<string, Shape<unknown> | OptionalShape<unknown>>>

type OptionalKeys<F extends Fields> = {
  [Key in keyof F]: F[Key] extends OptionalShape<unknown> ? Key : never
}[keyof F]

type ValueOf<F extends Fields> = {
  -readonly [Key in Exclude<keyof F, OptionalKeys<F>>]: F[Key] extends Shape<infer Value> ? Value : never
} & {
  -readonly [Key in OptionalKeys<F>]?: F[Key] extends OptionalShape<infer Value> ? Value : never
}

export function integer(min: number, max: number): Shape<number> {
  return (value) => {
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max)
      return value as number
    throw new ShapeError(`expected an integer from ${min} to ${max}`)
  }
}

export function text(maxCharacters: number): Shape<string> {
  return (value) => {
    if (typeof value === 'string' && value.length <= maxCharacters) return value
    throw new ShapeError(`expected text of at most ${maxCharacters} characters`)
  }
}

/** Text that passes a test. */
export function textThat(passes: (text: string) => boolean, expected: string): Shape<string> {
  return (value) => {
    if (typeof value === 'string' && passes(value)) return value
    throw new ShapeError(`expected ${expected}`)
  }
}

export function oneOf<const Word extends string>(words: readonly Word[]): Shape<Word> {
  return (value) => {
    if ((words as readonly unknown[]).includes(value)) return value as Word
    throw new ShapeError(`expected one of ${words.join(', ')}`)
  }
}

export function listOf<Value>(shape: Shape<Value>, maxCount: number): Shape<Value[]> {
  return (value) => {
    if (!Array.isArray(value) || value.length > maxCount)
      throw new ShapeError(`expected a list of at most ${maxCount}`)
    return value.map((element, index) => within(String(index), () => shape(element)))
  }
}

export function optional<Value>(shape: Shape<Value>): OptionalShape<Value> {
  return { optional: shape }
}

/** An object with these keys. Other keys are dropped, so that a later version can add some. */
export function object<const F extends Fields>(fields: F): Shape<ValueOf<F>> {
  const entries = Object.entries(fields)
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new ShapeError('expected an object')
    const kept: Record<string, unknown> = {}
    for (const [key, field] of entries) {
      const element: unknown = Object.hasOwn(value, key) ? value[key as keyof typeof value] : undefined
      if (typeof field === 'function') kept[key] = within(key, () => field(element))
      else if (element !== undefined) kept[key] = within(key, () => field.optional(element))
    }
    return kept as ValueOf<F>
  }
}

/** A shape with a rule about several parts of its value. */
export function where<Value>(
  shape: Shape<Value>,
  holds: (value: Value) => boolean,
  rule: string,
): Shape<Value> {
  return (value) => {
    const kept = shape(value)
    if (!holds(kept)) throw new ShapeError(rule)
    return kept
  }
}

function within<Value>(key: string, look: () => Value): Value {
  try {
    return look()
  } catch (error) {
    throw error instanceof ShapeError ? new ShapeError(error.message, [key, ...error.path]) : error
  }
}
