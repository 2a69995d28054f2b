/** A picture and the name of the file that the page looks for it in. */
export interface Picture {
  readonly title: string
  readonly fileName: string
  readonly svg: string
}

/** What one JSON file of results gives to the page: a heading of the second level and what stands under it. */
export interface Part {
  readonly text: string
  readonly pictures: readonly Picture[]
}

/** Where pictures and JSON lie, as seen from the page. */
export const FILES_DIR = 'bench'

export function showPictures(pictures: readonly Omit<Picture, 'svg'>[]): string {
  return pictures.map(({ title, fileName }) => `![${title}](${FILES_DIR}/${fileName})`).join('\n\n')
}
