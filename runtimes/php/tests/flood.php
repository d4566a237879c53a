<?php
$line = str_repeat("x", 63) . "\n";
while (true) {
    echo $line;
}
