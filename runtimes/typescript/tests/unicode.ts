const text: string = "Grüße, 世界 🌍";
console.log(text);
