<?php

/**
 * Calls functions of the module for WHMCS as WHMCS does, with what WHMCS would have for them.
 *
 * argv: the function, and its situation as JSON: {"params": {...}, "tables": {name: [row, ...]}}. Prints what the
 * function answered, and what it kept with the service.
 */

declare(strict_types=1);

namespace WHMCS\Database {
    /** As much of WHMCS's query builder as the module uses, over rows that the test gives. */
    final class Capsule
    {
        public static array $tables = [];
        private array $orders = [];

        private function __construct(private array $rows)
        {
        }

        public static function table(string $name): self
        {
            return new self(self::named($name));
        }

        public function join(string $name, string $left, string $is, string $right): self
        {
            $joined = [];
            foreach ($this->rows as $row) {
                foreach (self::named($name) as $other) {
                    $both = $row + $other;
                    if ($is === '=' && $both[$left] === $both[$right]) {
                        $joined[] = $both;
                    }
                }
            }

            return new self($joined);
        }

        public function where(string $column, mixed $value): self
        {
            return new self(array_values(array_filter($this->rows, static fn ($row) => $row[$column] === $value)));
        }

        /** The first order counts most, as in SQL. */
        public function orderBy(string $column, string $way): self
        {
            $this->orders[$column] = $way === 'desc' ? -1 : 1;

            return $this;
        }

        public function value(string $column): mixed
        {
            usort($this->rows, function (array $a, array $b): int {
                foreach ($this->orders as $name => $sign) {
                    if ($a[$name] !== $b[$name]) {
                        return $sign * ($a[$name] <=> $b[$name]);
                    }
                }

                return 0;
            });

            return $this->rows[0][$column] ?? null;
        }

        /** Rows whose columns are called table.column. */
        private static function named(string $table): array
        {
            $name = static fn (string $column): string => "{$table}.{$column}";

            return array_map(
                static fn (array $row): array => array_combine(array_map($name, array_keys($row)), $row),
                self::$tables[$table],
            );
        }
    }
}

namespace {
    define('WHMCS', true);

    /** The service of WHMCS, with the properties that modules may keep. */
    final class Service
    {
        public self $serviceProperties;
        public array $kept = [];

        public function save(array $properties): void
        {
            $this->kept = $properties;
        }
    }

    require getenv('MODULE');

    $situation = json_decode($argv[2], true, 16, JSON_THROW_ON_ERROR);
    \WHMCS\Database\Capsule::$tables = $situation['tables'];
    $service = new Service();
    $service->serviceProperties = $service;
    $answer = ('xtreamgateway_' . $argv[1])($situation['params'] + ['model' => $service]);
    echo json_encode(['answer' => $answer, 'kept' => $service->kept], JSON_THROW_ON_ERROR);
}
