<?php

/**
 * A provisioning module for WHMCS: this folder is copied there as modules/servers/xtreamgateway.
 *
 * WHMCS calls these functions with one array of parameters. They answer "success", or a sentence for the staff.
 */

declare(strict_types=1);

use XtreamGateway\Billing\Gateway;
use XtreamGateway\Billing\Outcome;
use XtreamGateway\Billing\Provisioning;

if (!defined('WHMCS')) {
    die('This file cannot be accessed directly');
}

require_once __DIR__ . '/autoload.php';

function xtreamgateway_MetaData(): array
{
    return ['DisplayName' => 'Xtream Gateway', 'APIVersion' => '1.1', 'RequiresServer' => true];
}

/** The settings of a product; WHMCS hands them over as configoption1, configoption2, … in this order. */
function xtreamgateway_ConfigOptions(): array
{
    return [
        'Period' => ['Type' => 'text', 'Default' => 'P1M', 'Description' => 'What an invoice buys, such as P1M or P1Y'],
        'Bouquets' => ['Type' => 'text', 'Description' => 'Numbers with commas, such as 1,2'],
        'Connections' => ['Type' => 'text', 'Default' => '1', 'Description' => 'How many may play at once'],
    ];
}

function xtreamgateway_CreateAccount(array $params): string
{
    $bouquets = array_filter(explode(',', (string) ($params['configoption2'] ?? '')), 'is_numeric');
    $outcome = xtreamgateway_module($params)->createAccount(
        (string) $params['serviceid'],
        xtreamgateway_invoice($params),
        [
            'period' => (string) $params['configoption1'],
            'bouquet_ids' => array_values(array_map('intval', $bouquets)),
            'max_connections' => (int) ($params['configoption3'] ?? 1),
        ],
    );

    return xtreamgateway_told($params, $outcome);
}

function xtreamgateway_Renew(array $params): string
{
    $invoice = xtreamgateway_invoice($params);
    $period = (string) $params['configoption1'];

    return xtreamgateway_told($params, xtreamgateway_module($params)->renew((string) $params['serviceid'], $invoice, $period));
}

function xtreamgateway_SuspendAccount(array $params): string
{
    return xtreamgateway_told($params, xtreamgateway_module($params)->suspend((string) $params['serviceid']));
}

function xtreamgateway_UnsuspendAccount(array $params): string
{
    return xtreamgateway_told($params, xtreamgateway_module($params)->resume((string) $params['serviceid']));
}

function xtreamgateway_TerminateAccount(array $params): string
{
    return xtreamgateway_told($params, xtreamgateway_module($params)->terminate((string) $params['serviceid']));
}

/** WHMCS has made the new password, or the client has; it keeps it itself when this answers "success". */
function xtreamgateway_ChangePassword(array $params): string
{
    $password = (string) $params['password'];

    return xtreamgateway_told($params, xtreamgateway_module($params)->changePassword((string) $params['serviceid'], $password));
}

/** The button "Test Connection" of a server. */
function xtreamgateway_TestConnection(array $params): array
{
    $outcome = xtreamgateway_module($params)->test();

    return ['success' => $outcome->isDone(), 'error' => $outcome->isDone() ? '' : $outcome->sentence()];
}

function xtreamgateway_module(array $params): Provisioning
{
    $scheme = ($params['serversecure'] ?? true) ? 'https' : 'http';
    $port = ($params['serverport'] ?? '') ? ":{$params['serverport']}" : '';
    $gateway = new Gateway("{$scheme}://{$params['serverhostname']}{$port}", (string) $params['serverpassword']);

    return new Provisioning($gateway, 'whmcs');
}

/**
 * The invoice that the call is about. WHMCS does not hand it over: it is the one of this service that was paid last.
 *
 * A service without a paid invoice, such as a gift, counts as invoice 0: its creation is made once.
 */
function xtreamgateway_invoice(array $params): string
{
    $paidLast = \WHMCS\Database\Capsule::table('tblinvoiceitems')
        ->join('tblinvoices', 'tblinvoices.id', '=', 'tblinvoiceitems.invoiceid')
        ->where('tblinvoiceitems.type', 'Hosting')
        ->where('tblinvoiceitems.relid', $params['serviceid'])
        ->where('tblinvoices.status', 'Paid')
        ->orderBy('tblinvoices.datepaid', 'desc')
        ->orderBy('tblinvoices.id', 'desc')
        ->value('tblinvoices.id');

    return (string) (int) $paidLast;
}

/** Keep what WHMCS has to know, and say how it went. */
function xtreamgateway_told(array $params, Outcome $outcome): string
{
    if (!$outcome->isDone()) {
        return $outcome->sentence();
    }
    if ($outcome->password !== null) {
        $params['model']->serviceProperties->save([
            'Username' => $outcome->line['username'],
            'Password' => $outcome->password,
        ]);
    }

    return 'success';
}
