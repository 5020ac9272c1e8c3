/** Types of `generate.mjs`. */
export declare const seedFile: string;
export declare function generateSeed(seed?: number): string;
