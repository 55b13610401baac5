import type { Program } from '../../../lib/program/program.js'

export function scaling(size: number, scale?: number): Program
export function adding(size: number): Program
export function slow(): Program
export function slowOperands(items?: number): [Float32Array, Float32Array]
export const slowAnswer: number
