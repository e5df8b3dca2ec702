<?php

declare(strict_types=1);

namespace XtreamGateway\Billing;

/** What became of one call of the provisioning module. */
final class Outcome
{
    /** The change was made, now or by an earlier try, and the panel was seen to have it. */
    public const DONE = 'done';
    /** Nobody knows yet. Deliver nothing, charge nothing; call again with the same service and invoice. */
    public const PENDING = 'pending';
    /** Not done. `retryable` says whether the same call may do it later. */
    public const FAILED = 'failed';

    /**
     * @param string $code the gateway's code where it failed, such as "panel_unavailable"; else empty
     * @param array<string, mixed> $line the line as the gateway has it, without its password
     * @param ?string $password where the gateway showed it: after a creation and a new password
     * @param ?string $operationId names the change in the gateway's log, and to its operator
     * @param ?int $retryAfterSeconds when it makes sense to call again, where the gateway said so
     */
    private function __construct(
        public readonly string $state,
        public readonly string $code,
        public readonly string $message,
        public readonly bool $retryable,
        public readonly array $line = [],
        public readonly ?string $password = null,
        public readonly ?string $operationId = null,
        public readonly ?int $retryAfterSeconds = null,
    ) {
    }

    /** @param array<string, mixed> $line */
    public static function done(array $line, string $message = ''): self
    {
        $password = $line['password'] ?? null;
        unset($line['password']);

        return new self(self::DONE, '', $message, false, $line, is_string($password) ? $password : null);
    }

    public static function pending(string $message, ?string $operationId, ?int $retryAfterSeconds = null): self
    {
        return new self(self::PENDING, 'outcome_unknown', $message, true, [], null, $operationId, $retryAfterSeconds);
    }

    public static function failed(
        string $code,
        string $message,
        bool $retryable = false,
        ?string $operationId = null,
        ?int $retryAfterSeconds = null,
    ): self {
        return new self(self::FAILED, $code, $message, $retryable, [], null, $operationId, $retryAfterSeconds);
    }

    public function isDone(): bool
    {
        return $this->state === self::DONE;
    }

    /** One sentence for the people who run the billing system; never a password. */
    public function sentence(): string
    {
        $parts = [match ($this->state) {
            self::DONE => 'Done.',
            self::PENDING => 'Pending, nothing to do but wait: ',
            default => $this->retryable ? 'Not done yet, try again: ' : 'Failed: ',
        } . $this->message];
        if ($this->code !== '') {
            $parts[] = "[{$this->code}]";
        }
        if ($this->operationId !== null) {
            $parts[] = "({$this->operationId})";
        }

        return implode(' ', $parts);
    }
}
