import { nestError } from "../core/errors.js";

/** Pixels of the sensor in each direction. */
export const sensorSize = 34;
/** Pixels of one polarity. */
export const sensorPixels = sensorSize * sensorSize;
/** Inputs that the sensor gives: each pixel with each polarity. */
export const sensorInputs = 2 * sensorPixels;
/** Longest time that an event can have (µs). */
export const longestTime = 0x7f_ffff;

const bytesPerEvent = 5;

/** What the ATIS sensor puts into y where its clock overflows: the event is none, and times after it are later. */
const overflowRow = 240;
/** Time by which they are later (µs). */
const overflowTime = 1 << 13;

/** Events of a recording: pixel `polarity * 1156 + y * 34 + x` and time (µs). */
export interface EventRecording {
  pixels: Uint16Array;
  times: Uint32Array;
}

/**
 * Decodes events of five bytes each: x, y, polarity (1 bit) and time in µs (23 bits). An event with y = 240 is none of a
 * pixel: the sensor's clock has overflowed, and all times from there on are 8192 µs later.
 *
 * @param name What an error calls the recording.
 * @throws {@link NESTError} with the offset of what cannot be an event.
 */
export function decodeRecording(bytes: Uint8Array, name: string): EventRecording {
  const refuse = (message: string, value: string, bound: string): never => {
    throw nestError({ code: "ValueError", message: `${name}: ${message}`, parameter: "data", value, bound });
  };
  if (bytes.length === 0) refuse("is empty", "0 bytes", "at least one event of 5 bytes");
  if (bytes.length % bytesPerEvent !== 0) {
    const whole = bytes.length - (bytes.length % bytesPerEvent);
    refuse(`ends within an event at offset ${whole}`, `${bytes.length} bytes`, "a multiple of 5 bytes");
  }
  const events = bytes.length / bytesPerEvent;
  const pixels = new Uint16Array(events);
  const times = new Uint32Array(events);
  let [count, later] = [0, 0];
  for (let event = 0; event < events; event++) {
    const at = event * bytesPerEvent;
    const [x, y] = [bytes[at] as number, bytes[at + 1] as number];
    const [high, middle] = [bytes[at + 2] as number, bytes[at + 3] as number];
    const low = bytes[at + 4] as number;
    if (y === overflowRow) {
      later += overflowTime;
      continue;
    }
    if (x >= sensorSize || y >= sensorSize) {
      refuse(
        `has a pixel outside the sensor at offset ${at}`,
        `x ${x}, y ${y}`,
        `from 0 to ${sensorSize - 1}`,
      );
    }
    pixels[count] = (high >> 7) * sensorPixels + y * sensorSize + x;
    times[count] = (((high & 0x7f) << 16) | (middle << 8) | low) + later;
    count += 1;
  }
  return count === events
    ? { pixels, times }
    : { pixels: pixels.slice(0, count), times: times.slice(0, count) };
}

/** Encodes events as {@link decodeRecording} reads them. */
export function encodeRecording({ pixels, times }: EventRecording): Uint8Array {
  const bytes = new Uint8Array(pixels.length * bytesPerEvent);
  pixels.forEach((pixel, event) => {
    const place = pixel % sensorPixels;
    const time = times[event] as number;
    const polarity = pixel >= sensorPixels ? 0x80 : 0;
    bytes.set(
      [
        place % sensorSize,
        Math.floor(place / sensorSize),
        polarity | (time >> 16),
        (time >> 8) & 0xff,
        time & 0xff,
      ],
      event * bytesPerEvent,
    );
  });
  return bytes;
}
