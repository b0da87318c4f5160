<?php
// Installs the site with the service account and the people, the roles in turn. Run in the site's folder.
define('WP_INSTALLING', true);
$_SERVER['HTTP_HOST'] = '127.0.0.1';
require getcwd() . '/wp-load.php';
require ABSPATH . 'wp-admin/includes/upgrade.php';

wp_install('Apps', getenv('SERVICE_NAME'), getenv('SERVICE_EMAIL'), false, '', getenv('SERVICE_PASSWORD'));
// Otherwise it asks, now and then, whether the address is still right.
update_option('admin_email_lifespan', time() + YEAR_IN_SECONDS);

$roles = ['subscriber', 'contributor', 'author', 'editor'];
foreach (file(getenv('PEOPLE'), FILE_IGNORE_NEW_LINES) as $index => $line) {
    [$login, $given, $family] = explode("\t", $line);
    $made = wp_insert_user([
        'user_login' => $login,
        'user_pass' => getenv('PEOPLE_PASSWORD'),
        'user_email' => "$login@apps.example",
        'first_name' => $given,
        'last_name' => $family,
        'display_name' => "$given $family",
        'role' => $roles[$index % 4],
    ]);
    if (is_wp_error($made)) {
        fwrite(STDERR, $made->get_error_message() . "\n");
        exit(1);
    }
}
