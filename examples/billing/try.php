<?php

/**
 * Run one function of the module from the command line; prints the outcome as JSON.
 *
 *   XGW_URL=… XGW_KEY=… php try.php createAccount 4711 99 '{"period": "P1M", "bouquet_ids": [1]}'
 *
 * Exit code: 0 done, 2 pending or worth another try, 1 failed for good.
 */

declare(strict_types=1);

use XtreamGateway\Billing\Gateway;
use XtreamGateway\Billing\Provisioning;

require __DIR__ . '/autoload.php';

if (PHP_SAPI !== 'cli') {
    exit(1); // In a web server's folder it is nobody's business.
}

$words = array_slice($argv, 1);
$verb = (string) array_shift($words);
$allowed = ['createAccount', 'renew', 'suspend', 'resume', 'terminate', 'changePassword', 'test'];
if (!in_array($verb, $allowed, true)) {
    fwrite(STDERR, 'usage: php try.php ' . implode('|', $allowed) . " [service] [invoice or text] [order or period]\n");
    exit(1);
}
if ($verb === 'createAccount') {
    $words[2] = json_decode($words[2] ?? '', true, 16, JSON_THROW_ON_ERROR);
}
$gateway = new Gateway(
    (string) getenv('XGW_URL'),
    (string) getenv('XGW_KEY'),
    patienceSeconds: (int) (getenv('PATIENCE_SECONDS') ?: 60),
);
$outcome = (new Provisioning($gateway, 'whmcs'))->{$verb}(...$words);
echo json_encode($outcome, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR), "\n";
exit($outcome->isDone() ? 0 : ($outcome->retryable ? 2 : 1));
