<?php
// Run by a template that has files to include (auto_prepend_file), when PHP has opened its program and not read it yet; runs are
// forked at the open of /.sandpit/go, and find their own program open.
(static function () {
    $refuse = static function (string $module, string $why): void {
        fwrite(STDERR, "preload $module: " . strtok($why, "\n") . "\n");
        exit(1);
    };
    $include = static function (): void {
        include_once func_get_arg(0); // without a variable of ours in its scope
    };
    foreach (array_filter(explode(',', (string) getenv('SANDPIT_PRELOAD'))) as $module) {
        $threads = count(scandir('/proc/self/task'));
        $file = stream_resolve_include_path($module);
        if ($file === false) {
            $refuse($module, 'there is no such file in the include_path');
        }
        try {
            $include($file);
        } catch (Throwable $error) {
            $refuse($module, get_class($error) . ': ' . $error->getMessage());
        }
        if (count(scandir('/proc/self/task')) > $threads) {
            $refuse($module, "it starts threads, which a fork can't take along");
        }
    }
    gc_collect_cycles();
    global $argv, $argc;
    $argv = explode("\0", file_get_contents('/.sandpit/go'), -1);
    $argc = count($argv);
    $_SERVER['argv'] = $argv;
    $_SERVER['argc'] = $argc;
    $_SERVER['REQUEST_TIME'] = time();
    $_SERVER['REQUEST_TIME_FLOAT'] = microtime(true);
    unset($_SERVER['SANDPIT_PRELOAD']);
    mt_srand();
})();
