/**
 * TensorBoard's event files: records of the TFRecord format, a message `Event` of protocol buffers in each.
 *
 * Source: tensorflow/core/util/event.proto, framework/summary.proto and lib/io/record_writer.h of TensorFlow 2.
 */

/** Numbers of a step, by tag. */
export interface Scalars {
  step: number;
  /** Seconds since 1970. */
  time: number;
  values: Readonly<Record<string, number>>;
}

/** CRC-32C (Castagnoli, reflected). */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f6_3b78 : value >>> 1;
  return value;
});

/** The checksum CRC-32C of bytes. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] as number);
  return ~crc >>> 0;
}

/** As TFRecord has it: turned by 15 bits and moved, so that a checksum of checksums is none of zeros. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0;
}

/** A record: the length with its checksum, the data with theirs. */
function record(data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(16 + data.length);
  bytes.writeBigUInt64LE(BigInt(data.length));
  bytes.writeUInt32LE(maskedCrc(bytes.subarray(0, 8)), 8);
  bytes.set(data, 12);
  bytes.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return bytes;
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.of(...bytes, Number(rest));
}

/** Fields of a message, by how their values are written. */
const field = {
  double(number: number, value: number): Uint8Array {
    const bytes = Buffer.alloc(9);
    bytes[0] = (number << 3) | 1;
    bytes.writeDoubleLE(value, 1);
    return bytes;
  },
  float(number: number, value: number): Uint8Array {
    const bytes = Buffer.alloc(5);
    bytes[0] = (number << 3) | 5;
    bytes.writeFloatLE(value, 1);
    return bytes;
  },
  whole: (number: number, value: number) => Buffer.concat([varint(number << 3), varint(value)]),
  bytes: (number: number, value: Uint8Array) =>
    Buffer.concat([varint((number << 3) | 2), varint(value.length), value]),
};

const message = (...fields: Uint8Array[]) => Buffer.concat(fields);

/** An event file, in pieces. */
export function* eventFile(steps: readonly Scalars[]): Generator<Uint8Array> {
  const version = field.bytes(3, Buffer.from("brain.Event:2"));
  yield record(message(field.double(1, steps[0]?.time ?? 0), version));
  for (const { step, time, values } of steps) {
    const summary = Object.entries(values).map(([tag, value]) =>
      field.bytes(1, message(field.bytes(1, Buffer.from(tag)), field.float(2, value))),
    );
    yield record(message(field.double(1, time), field.whole(2, step), field.bytes(5, message(...summary))));
  }
}
