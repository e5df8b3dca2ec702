<?php

declare(strict_types=1);

namespace XtreamGateway\Billing;

/**
 * Sends requests to the gateway, and sends them again while that can help.
 *
 * Every change carries an Idempotency-Key, and a retry carries the same one: the gateway then does it once, however
 * often it is asked, and answers what it answered first.
 */
class Gateway
{
    private const PAUSE_SECONDS_MAX = 8.0;

    private float $deadline = 0.0;

    /**
     * @param string $baseUrl such as https://gateway.example
     * @param string $key an API key of the reseller
     * @param int $patienceSeconds how long one call of the module may take, retries and waiting included
     * @param int $callSeconds how long one request may take; the gateway itself answers within 20 unless set otherwise
     * @param int $triesMax how often one request is sent at most
     */
    public function __construct(
        private readonly string $baseUrl,
        private readonly string $key,
        private readonly int $patienceSeconds = 60,
        private readonly int $callSeconds = 30,
        private readonly int $triesMax = 5,
    ) {
    }

    /** Begin a call of the module: from here on its patience counts. */
    public function begin(): void
    {
        $this->deadline = microtime(true) + $this->patienceSeconds;
    }

    public function get(string $path): Answer
    {
        return $this->insist('GET', $path, null, null);
    }

    /**
     * Ask for a change, and follow it to its end as long as patience lasts.
     *
     * @param ?array<string, mixed> $body
     * @return Answer 200 or 201 with the line; 202 while it is still open; else the problem
     */
    public function change(string $path, ?array $body, string $key): Answer
    {
        $answer = $this->insist('POST', $path, $body, $key);
        if ($answer->status !== 202) {
            return $answer;
        }
        $operation = $this->followed((string) $answer->operationId());
        if (in_array($operation->body['state'] ?? '', ['succeeded', 'failed'], true)) {
            // The same request again gives the final answer: the line with its password, or the problem.
            return $this->insist('POST', $path, $body, $key)->asOwn();
        }

        return new Answer(202, $answer->headers, $operation->body ?: $answer->body);
    }

    /** Read an operation until it has ended, a person has to decide, or patience is over. */
    private function followed(string $id): Answer
    {
        for ($try = 1; ; $try++) {
            $answer = $this->insist('GET', '/v1/operations/' . rawurlencode($id), null, null);
            $isOpen = in_array($answer->body['state'] ?? '', ['prepared', 'sending', 'unknown'], true);
            if (!$isOpen || !$this->pause($try, $answer->retryAfterSeconds())) {
                return $answer;
            }
        }
    }

    /** Send, and send again while the answer may pass and patience lasts. */
    private function insist(string $method, string $path, ?array $body, ?string $key): Answer
    {
        for ($try = 1; ; $try++) {
            $answer = $this->send($method, $path, $body, $key);
            if (!$answer->mayPass() || $try >= $this->triesMax || !$this->pause($try, $answer->retryAfterSeconds())) {
                return $answer;
            }
        }
    }

    /** Wait before the next try: longer each time, never shorter than asked. False: that would take too long. */
    private function pause(int $try, ?int $askedSeconds): bool
    {
        $grown = min(self::PAUSE_SECONDS_MAX, 0.25 * 2 ** min($try, 6));
        $seconds = max((float) ($askedSeconds ?? 0), $grown * (0.5 + mt_rand() / mt_getrandmax() / 2));
        if (microtime(true) + $seconds >= $this->deadline) {
            return false;
        }
        $this->wait($seconds);

        return true;
    }

    /** Its own method, so that a program may wait in another way. */
    protected function wait(float $seconds): void
    {
        usleep((int) ($seconds * 1_000_000));
    }

    private function send(string $method, string $path, ?array $body, ?string $key): Answer
    {
        $headers = ['Accept: application/json', "Authorization: Bearer {$this->key}"];
        if ($key !== null) {
            $headers[] = "Idempotency-Key: {$key}";
        }
        $request = curl_init($this->baseUrl . $path);
        $seconds = max(1, min($this->callSeconds, (int) ceil($this->deadline - microtime(true))));
        $found = [];
        curl_setopt_array($request, [
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_CONNECTTIMEOUT => min(10, $seconds),
            CURLOPT_TIMEOUT => $seconds,
            CURLOPT_FOLLOWLOCATION => false, // The key is for this address only.
            CURLOPT_PROTOCOLS => CURLPROTO_HTTPS | CURLPROTO_HTTP,
            CURLOPT_HEADERFUNCTION => static function ($_, string $line) use (&$found): int {
                [$name, $value] = explode(':', $line, 2) + [1 => ''];
                $found[strtolower(trim($name))] = trim($value);

                return strlen($line);
            },
        ]);
        if ($body !== null) {
            $headers[] = 'Content-Type: application/json';
            curl_setopt($request, CURLOPT_POSTFIELDS, json_encode($body, JSON_THROW_ON_ERROR));
        } elseif ($method === 'POST') {
            $headers[] = 'Content-Length: 0';
        }
        curl_setopt($request, CURLOPT_HTTPHEADER, $headers);
        $text = curl_exec($request);
        $status = $text === false ? 0 : (int) curl_getinfo($request, CURLINFO_RESPONSE_CODE);
        $fault = $text === false ? 'No answer from the gateway: ' . curl_error($request) . '.' : '';
        $json = is_string($text) ? json_decode($text, true) : null;

        return new Answer($status, $found, is_array($json) ? $json : [], $fault);
    }
}
