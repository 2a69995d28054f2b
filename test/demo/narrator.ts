import { styleText } from 'node:util'

/** A row of the closing table. */
interface Figure {
  readonly name: string
  readonly value: string
}

type Style = 'bold' | 'dim' | 'green' | 'red'

/** Writes to standard output what happens. It uses styles only on a terminal. */
export class Narrator {
  readonly figures: Figure[] = []
  readonly #isStyled: boolean
  #lastHeading = 0

  constructor(isStyled = process.stdout.isTTY === true && process.env.NO_COLOR === undefined) {
    this.#isStyled = isStyled
  }

  say(text = ''): void {
    process.stdout.write(`${text}\n`)
  }

  heading(text: string): void {
    this.say()
    this.say(this.#style('bold', `${++this.#lastHeading}. ${text}`))
  }

  /** A check that succeeded. */
  proved(text: string): void {
    this.say(`   ${this.#style('green', 'ok')}  ${text}`)
  }

  aside(text: string): void {
    for (const line of text.split('\n')) this.say(this.#style('dim', `   ${line}`))
  }

  failed(text: string): void {
    this.say()
    this.say(this.#style('red', text))
  }

  note(name: string, value: string): void {
    this.figures.push({ name, value })
  }

  table(): void {
    const width = Math.max(...this.figures.map(({ name }) => name.length))
    this.say()
    this.say(this.#style('bold', 'Figures of this run (a small machine, everything on it at once)'))
    for (const { name, value } of this.figures) this.say(`  ${name.padEnd(width)}  ${value}`)
  }

  #style(style: Style, text: string): string {
    return this.#isStyled ? styleText(style, text) : text
  }
}
