import t from 'tap'
import { renderMarkdown } from '../src/report/markdown.js'
import { drawPictures } from '../src/report/pictures.js'
import { figure } from '../src/report/table.js'
import { sampleResults } from './sample-results.js'

t.test('the page tells median, least and most of every peer', async (t) => {
  const page = renderMarkdown(sampleResults([0.5, 0.4, 0.6], [5, 6, 5.5]), [])
  t.match(page, '| 1 TCP stream, caller → pod: received, Gbit/s | 0.500 (0.400–0.600) | 5.50 (5.00–6.00) |')
})

t.test('the page tells where and with what it was measured', async (t) => {
  const page = renderMarkdown(sampleResults([1], [10]), [])
  for (const text of [
    '0123456789abcdef',
    'v20.20.2',
    'Linux 6.18.0',
    'a processor',
    'bbr',
    'iperf3 --client',
  ]) {
    t.match(page, text)
  }
})

t.test('the page lists measurements that failed', async (t) => {
  const results = sampleResults([1], [10])
  const samples = results.samples.map((sample) => ({ ...sample, values: {}, error: 'iperf3 hung\nand more' }))
  t.match(renderMarkdown({ ...results, samples }, []), '- tcp-1-to-shoot, ours, repetition 1: iperf3 hung\n')
})

t.test('there is a picture for what was measured and none for what was not', async (t) => {
  const pictures = drawPictures(sampleResults([1], [10]))
  t.same(
    pictures.map(({ fileName }) => fileName),
    ['throughput.svg', 'cpu.svg', 'memory.svg'],
  )
  for (const { svg } of pictures) t.match(svg, /^<svg .*reversed-vpn.*<\/svg>$/s)
})

t.test('figures have three significant digits and no exponent', async (t) => {
  t.same([0.12345, 1.2345, 123.45, 12345.6, 0, Number.NaN].map(figure), [
    '0.123',
    '1.23',
    '123',
    '12346',
    '0',
    '–',
  ])
})
