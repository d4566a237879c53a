const a: number = 1;
const b: number = 2;
const c: string = a + b;
console.log(c);
