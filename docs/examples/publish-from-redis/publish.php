<?php
// Appends events to the history that Sluice's instances share, with phpredis alone.
//
//   apt-get install php-cli php-redis
//   sluice reference script > journal.lua     # of the version that your instances run
//   export REDIS=redis://127.0.0.1:6379
//   php publish.php news 'Goal!' match-7-goal-1 [TOPIC DATA ONCE]...
//
// Prints the id of each event, its position, and 1 if it had been published before, else 0.
// The client has to be without OPT_PREFIX and OPT_SERIALIZER, which would change what is sent.

$url = parse_url(getenv('REDIS'));
$redis = new Redis();
$redis->connect($url['host'], $url['port'] ?? 6379, 3.0);
if (isset($url['pass'])) {
    $user = rawurldecode($url['user'] ?? '');
    $password = rawurldecode($url['pass']);
    $redis->auth($user === '' ? $password : [$user, $password]);
}
$script = file_get_contents('journal.lua');
$key = getenv('KEY') ?: 'sluice';

/** As the script wants it: how many words, and the words. A list is the same name again. */
function words(array $event): array {
    $pairs = [];
    foreach ($event as $name => $value) {
        foreach ((array) $value as $one) array_push($pairs, $name, $one);
    }
    return [count($pairs), ...$pairs];
}

/** All of them or none, one behind the other. It throws when none is published, and when the
    connection broke and nobody knows: the same call again, with the same `once`, is harmless. */
function publish(array ...$events): array {
    global $redis, $script, $key;
    $arguments = [$key, 'append', '', '', ...array_merge(...array_map('words', $events))];
    $answer = $redis->evalSha(sha1($script), $arguments, 1);
    if ($answer === false && str_starts_with($redis->getLastError() ?? '', 'NOSCRIPT')) {
        $redis->clearLastError();
        $answer = $redis->eval($script, $arguments, 1);
    }
    if ($answer === false) throw new RuntimeException($redis->getLastError() ?? 'no answer');
    return array_chunk($answer, 3);
}

$events = array_map(
    fn(array $one) => array_combine(['topic', 'data', 'once'], $one),
    array_chunk(array_slice($argv, 1), 3));
foreach (publish(...$events) as $receipt) echo implode(' ', $receipt), "\n";
