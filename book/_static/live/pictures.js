// Pictures of the reader's: {pixels: Float32Array in [0, 1], width, height}, grey.

export const LARGEST = { bytes: 60e6, pixels: 60e6, side: 1024 };

/** A file or an address -> grey pixels, turned as the camera says, on white where transparent.
 *
 * side: that many pixels a side from the middle; 0 for the whole picture, scaled down to LARGEST.side. The sides are
 * even, since FFDNet deals out squares of 2 x 2. What is refused is an Error in words for the reader.
 */
export async function readPicture(source, side) {
  if (source.size > LARGEST.bytes) throw new Error(`The file has ${Math.round(source.size / 1e6)} MB; ${LARGEST.bytes / 1e6} MB is the most.`);
  const blob = source instanceof Blob ? source : await (await fetch(source)).blob();
  // The size first, since createImageBitmap decodes everything: a PNG of 0.4 MB can hold 400 megapixels.
  const { naturalWidth: width, naturalHeight: height } = await header(blob);
  if (width * height > LARGEST.pixels) throw new Error(`The picture has ${Math.round((width * height) / 1e6)} megapixels; ${LARGEST.pixels / 1e6} is the most.`);
  // An <img> alone would show a JPEG of which the end is missing.
  const bitmap = await createImageBitmap(blob).catch(() => {
    throw new Error("The file is damaged: it cannot be read to its end.");
  });
  const context = drawn(bitmap, side);
  bitmap.close();
  const { width: w, height: h } = context.canvas, { data } = context.getImageData(0, 0, w, h);
  const pixels = new Float32Array(w * h);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]) / 255;
  return { pixels, width: w, height: h };
}

function drawn(bitmap, side) {
  const { width, height } = bitmap, scale = Math.min(1, LARGEST.side / Math.max(width, height));
  const wanted = side ? [Math.min(side, width), Math.min(side, height)] : [width * scale, height * scale];
  const [w, h] = wanted.map((n) => Math.max(2, Math.round(n) & ~1));
  const context = Object.assign(document.createElement("canvas"), { width: w, height: h }).getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, w, h);
  context.imageSmoothingQuality = "high";
  if (side) context.drawImage(bitmap, Math.floor((w - width) / 2), Math.floor((h - height) / 2));
  else context.drawImage(bitmap, 0, 0, w, h);
  return context;
}

function header(blob) {
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  return new Promise((resolve, reject) => {
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error("This browser cannot read that file as a picture. JPEG, PNG, WebP and GIF work everywhere."));
  }).finally(() => URL.revokeObjectURL(image.src));
}

/** A part of the picture: rows top to bottom and columns left to right, the last excluded. */
export function crop({ pixels, width }, { left, top, right, bottom }) {
  const part = new Float32Array((right - left) * (bottom - top));
  for (let y = top; y < bottom; y++) part.set(pixels.subarray(y * width + left, y * width + right), (y - top) * (right - left));
  return { pixels: part, width: right - left, height: bottom - top };
}

/** shade: a value of the picture -> what is shown, where 0 is black and 1 is white. */
export function draw(canvas, { pixels, width, height }, shade = (value) => value) {
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  pixels.forEach((value, i) => {
    const grey = Math.round(255 * shade(value)); // ImageData clamps
    for (let channel = 0; channel < 3; channel++) image.data[4 * i + channel] = grey;
    image.data[4 * i + 3] = 255;
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}
