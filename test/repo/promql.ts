import { parser } from '@prometheus-io/lezer-promql'

/** What an expression asks a metric for. */
interface Selector {
  /** One, or several where `__name__` is matched. */
  readonly metrics: readonly string[]
  readonly matchers: readonly Matcher[]
}

interface Matcher {
  readonly label: string
  /** What it names, alternatives one by one; variables of a dashboard are left out. */
  readonly values: readonly string[]
}

interface Expression {
  readonly selectors: readonly Selector[]
  /** The labels of `by`, `without`, `on` and `ignoring`. */
  readonly grouping: readonly string[]
}

/** What Grafana puts in before it asks. */
const INTERVAL_VARIABLE = /\$__(rate_)?interval/g

/** Reads an expression of a rule or of a dashboard. @throws SyntaxError with the place when it is no PromQL */
export function readPromql(written: string): Expression {
  const text = written.replace(INTERVAL_VARIABLE, '1m')
  const selectors: { metrics: string[]; matchers: Matcher[] }[] = []
  const grouping: string[] = []
  parser.parse(text).iterate({
    enter(node) {
      const word = text.slice(node.from, node.to)
      if (node.type.isError)
        throw new SyntaxError(`no PromQL at character ${node.from} (${word}…): ${written}`)
      if (node.name === 'VectorSelector') selectors.push({ metrics: [], matchers: [] })
      if (node.name === 'Identifier') selectors.at(-1)?.metrics.push(word)
      if (node.name === 'LabelName' && node.matchContext(['GroupingLabels'])) grouping.push(word)
      if (node.name !== 'UnquotedLabelMatcher') return
      const { label, values } = readMatcher(word)
      if (label === '__name__') selectors.at(-1)?.metrics.push(...values)
      else selectors.at(-1)?.matchers.push({ label, values })
    },
  })
  return { selectors, grouping }
}

function readMatcher(text: string): Matcher {
  const [, label = '', , value = ''] = /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/.exec(text) ?? []
  return { label, values: value.split('|').filter((one) => !one.startsWith('$')) }
}
