# The service account with TOTP, three groups, and the people. Nobody is sent mail.
Setting.notified_events = []
Setting.default_language = 'en'
Setting.per_page_options = '10,25'

service = User.find_by_login('admin')
service.login = ENV.fetch('SERVICE_NAME')
service.mail = ENV.fetch('SERVICE_EMAIL')
service.password = service.password_confirmation = ENV.fetch('SERVICE_PASSWORD')
service.must_change_passwd = false
service.twofa_scheme = 'totp'
service.twofa_totp_key = ENV.fetch('SERVICE_TOTP')
service.save!

['Field crew', 'Office', 'Sales, EMEA'].each { |name| Group.create!(name: name) }

File.foreach(ENV.fetch('PEOPLE'), chomp: true) do |line|
  login, given, family = line.split("\t")
  person = User.new(firstname: given, lastname: family, mail: "#{login}@apps.example", language: 'en')
  person.login = login
  person.password = person.password_confirmation = ENV.fetch('PEOPLE_PASSWORD')
  person.save!
end
