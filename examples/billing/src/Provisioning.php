<?php

declare(strict_types=1);

namespace XtreamGateway\Billing;

/**
 * What a billing system asks for, as calls of the gateway. It stores nothing: a service is found by its external_id.
 *
 * A call may be repeated as often as one likes, with the same service and invoice. That is how a lost answer, a
 * pending outcome and a panel that was down are dealt with: call again.
 */
final class Provisioning
{
    /** Refusals of the panel are kept under their key. So many are passed over before a person has to look. */
    private const ORDERS_MAX = 20;
    /** What a panel, or what runs it, can put right, so that the same order may do later. */
    private const MENDABLE = ['panel_misconfigured', 'panel_unavailable', 'service_unavailable', 'internal_error'];

    /** @param string $system a short word that tells billing systems of one reseller apart, such as "whmcs" */
    public function __construct(private readonly Gateway $gateway, private readonly string $system)
    {
    }

    /**
     * Make the line of a service. A service has one line, whatever is repeated.
     *
     * @param array<string, mixed> $order the term (`period` or `expires_at`), and what else POST /v1/lines takes
     */
    public function createAccount(string $service, string $invoice, array $order): Outcome
    {
        $this->gateway->begin();
        $lines = $this->linesOf($service);
        if ($lines instanceof Outcome) {
            return $lines;
        }
        foreach ($lines as $line) {
            if ($line['state'] === 'terminated' && ($line['metadata']['invoice'] ?? '') === $invoice) {
                return Outcome::failed('state_conflict', 'What this invoice bought was terminated; order with a new one.');
            }
        }
        $metadata = ['invoice' => $invoice] + ($order['metadata'] ?? []);
        $body = ['external_id' => $this->externalId($service), 'metadata' => $metadata] + $order;
        $answer = $this->order('/v1/lines', $body, $this->key($service, 'create', "invoice-{$invoice}"));
        if ($answer->code() === 'external_id_taken') {
            return $this->alreadyThere($service);
        }

        return $this->outcome($answer);
    }

    /** Renew for a paid invoice, by a period such as "P1M". An invoice renews once. */
    public function renew(string $service, string $invoice, string $period): Outcome
    {
        return $this->with($service, fn (array $line): Answer => $this->order(
            "/v1/lines/{$line['id']}/renew",
            ['period' => $period, 'reference' => "{$this->system}:invoice-{$invoice}"],
            $this->key($service, 'renew', "invoice-{$invoice}"),
        ));
    }

    public function suspend(string $service, string $reason = ''): Outcome
    {
        return $this->verb($service, 'suspend', $reason);
    }

    public function resume(string $service, string $reason = ''): Outcome
    {
        return $this->verb($service, 'resume', $reason);
    }

    /** End the line for good. Done as well where it has ended already. */
    public function terminate(string $service, string $reason = ''): Outcome
    {
        return $this->verb($service, 'terminate', $reason);
    }

    /** Give the line another password; without one the gateway makes it. It is in the outcome. */
    public function changePassword(string $service, ?string $password = null): Outcome
    {
        return $this->with($service, fn (array $line): Answer => $this->gateway->change(
            "/v1/lines/{$line['id']}/rotate-password",
            $password === null ? null : ['password' => $password],
            $this->keyOfThisCall($service, 'password'),
        ));
    }

    /** Tell whether the address and the key are right. */
    public function test(): Outcome
    {
        $this->gateway->begin();
        $answer = $this->gateway->get('/v1/me');

        return $answer->isOk() ? Outcome::done([], "You are {$answer->body['kind']}.") : $this->outcome($answer);
    }

    private function verb(string $service, string $verb, string $reason): Outcome
    {
        return $this->with($service, fn (array $line): Answer => $this->gateway->change(
            "/v1/lines/{$line['id']}/{$verb}",
            $reason === '' ? null : ['reason' => $reason],
            $this->keyOfThisCall($service, $verb),
        ));
    }

    /** @param callable(array<string, mixed>): Answer $work */
    private function with(string $service, callable $work): Outcome
    {
        $this->gateway->begin();
        $line = $this->find($service);

        return is_array($line) ? $this->outcome($work($line)) : $line;
    }

    /**
     * The lines that a service has had, newest first; or why they could not be read.
     *
     * The list asks no panel, so this works while the panel is down. It has ended lines too, which
     * /v1/lines/by-external-id/… has not.
     *
     * @return list<array<string, mixed>>|Outcome
     */
    private function linesOf(string $service): array|Outcome
    {
        $answer = $this->gateway->get('/v1/lines?external_id=' . rawurlencode($this->externalId($service)));

        return $answer->isOk() ? $answer->body['data'] : $this->outcome($answer);
    }

    /**
     * The line of a service: the one that lives, else the one that ended last.
     *
     * @return array<string, mixed>|Outcome
     */
    private function find(string $service): array|Outcome
    {
        $lines = $this->linesOf($service);
        if ($lines instanceof Outcome) {
            return $lines;
        }
        foreach ($lines as $line) {
            if ($line['state'] !== 'terminated') {
                return $line;
            }
        }

        return $lines[0] ?? Outcome::failed('not_found', "The gateway has no line {$this->externalId($service)}.");
    }

    /**
     * Send an order. What the panel refused earlier is answered again under its key, so the next key is used then:
     * that order has ended without effect, and cannot take place any more.
     *
     * @param array<string, mixed> $body
     */
    private function order(string $path, array $body, string $key): Answer
    {
        $answer = $this->gateway->change($path, $body, $key);
        for ($number = 2; $number <= self::ORDERS_MAX && $answer->isKeptFailure(); $number++) {
            $answer = $this->gateway->change($path, $body, "{$key}:{$number}");
        }

        return $answer;
    }

    /** An earlier order has made the line, and its key is not kept any more, or another invoice asks for it. */
    private function alreadyThere(string $service): Outcome
    {
        $line = $this->find($service);
        if ($line instanceof Outcome) {
            return $line;
        }
        if (in_array($line['state'], ['pending', 'unknown'], true)) {
            return Outcome::pending('An earlier order of this service is still open.', null);
        }
        // Only a key with lines:secrets may see the password; without it, change it to have one.
        $secrets = $this->gateway->get("/v1/lines/{$line['id']}/credentials");

        return Outcome::done($line + ['password' => $secrets->body['password'] ?? null], 'It was there already.');
    }

    private function outcome(Answer $answer): Outcome
    {
        if ($answer->isOk()) {
            return Outcome::done($answer->body);
        }
        if ($answer->status === 202) {
            $message = ($answer->body['state'] ?? '') === 'manual'
                ? 'the operator of the gateway has to decide.'
                : 'the gateway is finding out whether the panel did it.';

            return Outcome::pending($message, $answer->operationId(), $answer->retryAfterSeconds());
        }
        $retryable = $answer->mayPass() || in_array($answer->code(), self::MENDABLE, true);

        return Outcome::failed(
            $answer->code(),
            $answer->message(),
            $retryable,
            $answer->operationId(),
            $answer->retryAfterSeconds(),
        );
    }

    private function externalId(string $service): string
    {
        return "{$this->system}:{$service}";
    }

    /** The same for each try of one order, such as "whmcs:service-4711:renew:invoice-99". */
    private function key(string $service, string $verb, string $what): string
    {
        return "{$this->system}:service-{$service}:{$verb}:{$what}";
    }

    /**
     * For what has no invoice and is safe to repeat. A service may be suspended, resumed and suspended again within the
     * three days that a key is kept: under the same key the second time would be answered, and not done.
     */
    private function keyOfThisCall(string $service, string $verb): string
    {
        return $this->key($service, $verb, 'call-' . bin2hex(random_bytes(8)));
    }
}
