.say for lines;
