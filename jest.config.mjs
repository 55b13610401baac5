/** @type {import('jest').Config} */
export default {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  moduleNameMapper: {
    // Tests name the sources, tsc checks them against those, and what runs is what ships.
    '^(?:\\.\\.?/)+lib/(.*)\\.js$': '<rootDir>/dist/$1.js',
    '^(\\.\\.?/.*)\\.js$': ['$1.js', '$1.ts'],
  },
  modulePathIgnorePatterns: [
    '<rootDir>/build',
    '<rootDir>/prebuilds',
    '<rootDir>/dist-bench',
    '<rootDir>/dist-examples',
    '<rootDir>/.cache',
  ],
  testTimeout: 60_000,
}
