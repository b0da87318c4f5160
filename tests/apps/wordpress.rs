//! WordPress, judged by its MariaDB.

use std::process::Command;

use async_trait::async_trait;

use super::app::{App, Kept, SERVICE_NAME, data, logged};

pub struct WordPress;

/// The rows of a query, cell by cell.
fn rows(query: &str) -> Vec<Vec<String>> {
    let socket = format!("--socket={}", data("wordpress").join("socket").display());
    let arguments = ["--no-defaults", "--user=root", "--default-character-set=utf8mb4", "--batch", "--raw"];
    let mut command = Command::new("mariadb");
    command.args(arguments).args(["--skip-column-names", &socket, "wordpress", "--execute", query]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// `text` between quotes, as SQL takes it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[async_trait]
impl App for WordPress {
    fn name(&self) -> &'static str {
        "wordpress"
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![("heir", format!("{SERVICE_NAME} ({SERVICE_NAME})"))]
    }

    fn has_totp(&self) -> bool {
        false
    }

    fn roles(&self) -> [&'static str; 2] {
        ["author", "editor"]
    }

    fn odd_family_name(&self) -> &'static str {
        // It takes tags out of names.
        "\" > button \"Delete {{7*7}}"
    }

    async fn account(&self, user_name: &str) -> Option<Kept> {
        let found = rows(&format!(
            "select u.id, \
               (select meta_value from wp_usermeta where user_id = u.id and meta_key = 'first_name'), \
               (select meta_value from wp_usermeta where user_id = u.id and meta_key = 'last_name'), \
               (select meta_value from wp_usermeta where user_id = u.id and meta_key = 'wp_capabilities') \
             from wp_users u where u.user_email = {}",
            quoted(user_name)
        ));
        let [id, given, family, capabilities] = <[String; 4]>::try_from(found.into_iter().next()?).unwrap();
        // PHP's own form: a:1:{s:6:"author";b:1;}
        let role = capabilities.split('"').nth(1).unwrap_or_default().to_owned();
        let active = !role.is_empty();
        // It keeps names as markup.
        let name = format!("{given} {family}").replace("&gt;", ">").replace("&amp;", "&");
        Some(Kept { id, name, role, groups: Vec::new(), active })
    }

    async fn count(&self) -> usize {
        rows("select id from wp_users").len()
    }

    fn refused_logins(&self) -> usize {
        // It answers a login that worked with a redirect.
        logged("wordpress", "web.log", "[200]: POST /wp-login.php")
    }

    async fn leave_work_behind(&self, user_name: &str) {
        let author = format!("(select id from wp_users where user_email = {})", quoted(user_name));
        let none = ["post_excerpt", "to_ping", "pinged", "post_content_filtered"].join(", ");
        rows(&format!(
            "insert into wp_posts (post_author, post_title, post_content, {none}, post_date, post_date_gmt, post_modified, \
               post_modified_gmt) values ({author}, 'Left behind', 'Words', '', '', '', '', now(), now(), now(), now())"
        ));
    }
}
