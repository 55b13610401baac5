import { writeFileSync } from 'node:fs'
import { expected, show } from '../errors.js'
import { isNpy, readNpy, writeNpy } from '../interop/npy.js'
import { readSafetensors, writeSafetensors } from '../interop/safetensors.js'
import { allocate, type Dtype } from '../tensor/dtype.js'
import { decoder, encoder } from '../tensor/half.js'
import { Tensor } from '../tensor/tensor.js'
import { readFile, reasonOf } from './layer.js'

type Tensors = Record<string, Tensor>
type Space = Readonly<Record<string, number>>

/** Reads the inputs of a layer: safetensors named by order, or an npy file for a space of one order.
 *  @throws BrauerError `invalid-file` */
export function readInputs(path: string, space: Space): Tensors {
  const bytes = readFile(path)
  if (!isNpy(bytes)) return readSafetensors(bytes).tensors
  return { [onlyOrder(space, path)]: readNpy(bytes) }
}

/** Refuses an output file that could not be written later, before the work is done.
 *  @throws BrauerError `invalid-argument`, `invalid-dtype` */
export function checkOutputPath(path: string, space: Space, dtype: Dtype): void {
  if (path.endsWith('.safetensors')) return
  if (!path.endsWith('.npy'))
    throw expected('invalid-argument', 'output file', 'a name that ends in .npy or .safetensors', show(path))
  onlyOrder(space, path)
  if (dtype === 'bfloat16')
    throw expected('invalid-dtype', path, 'a .safetensors file for bfloat16, which npy lacks', '.npy')
}

/** @throws BrauerError `invalid-file` with the system's reason */
export function writeOutputs(path: string, outputs: Tensors): void {
  const bytes = path.endsWith('.npy') ? writeNpy(Object.values(outputs)[0]!) : writeSafetensors(outputs)
  try {
    writeFileSync(path, bytes)
  } catch (error) {
    throw expected('invalid-file', path, 'a file that can be written', reasonOf(error))
  }
}

/** The tensor in another dtype, itself where it has it already. */
export function convert(value: Tensor, dtype: Dtype): Tensor {
  if (value.dtype === dtype) return value
  const [decode, encode] = [decoder(value.dtype), encoder(dtype)]
  const data = allocate(dtype, value.size)
  for (let i = 0; i < data.length; i++) data[i] = encode(decode(value.data[i]!))
  return new Tensor(data, value.shape, dtype)
}

function onlyOrder(space: Space, path: string): string {
  const orders = Object.keys(space)
  if (orders.length === 1) return orders[0]!
  throw expected(
    'invalid-file',
    path,
    `safetensors with the orders ${orders.join(', ')}`,
    'npy, which holds one tensor',
  )
}
