/** A picture and the name of its file. */
export interface Picture {
  readonly title: string
  readonly fileName: string
  readonly svg: string
}

/** The section of the page for one JSON file of results, with a heading of level 2. */
export interface Part {
  readonly text: string
  readonly pictures: readonly Picture[]
}

/** The directory of pictures and JSON, relative to the page. */
export const FILES_DIR = 'bench'

export function showPictures(pictures: readonly Omit<Picture, 'svg'>[]): string {
  return pictures.map(({ title, fileName }) => `![${title}](${FILES_DIR}/${fileName})`).join('\n\n')
}
