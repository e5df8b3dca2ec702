<?php

declare(strict_types=1);

foreach (['Answer', 'Outcome', 'Gateway', 'Provisioning'] as $name) {
    require_once __DIR__ . "/src/{$name}.php";
}
