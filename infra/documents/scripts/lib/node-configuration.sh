# What every node of the cluster has, whatever it is at the moment: the managed settings, a certificate, and the lines of
# pg_hba.conf that let the others in. A standby may be the primary in a minute: it has them like the primary. Whatever
# command configures a node, starts it for good or promotes it, brings them up to date.

# Seconds for each half of it, where the command has more urgent things to do.
readonly configuration_limit=15

# Brings the running server up to date, but for a restart. Sets changed_settings and restart_needed.
configure_node() {
  configure_settings
  configure_hba
}

# The same as far as it goes: a node that streams, or is about to be promoted, is worth more than its configuration. Sets
# restart_needed, changed_settings (as words) and attempt_failure.
try_to_configure_node() {
  restart_needed=false changed_settings=''
  attempt "$configuration_limit" configure_settings changed restart_needed changed_settings
  # Other settings may be wrong: the other nodes are let in all the same.
  attempt "$configuration_limit" configure_hba changed
}

configure_settings() {
  ensure_certificate
  apply_settings
}

# TLS cannot be switched on without a certificate. One that the operator configured stays.
ensure_certificate() {
  local file
  if [[ $TLS != on ]]; then return 0; fi
  file=$(sql <<<'SHOW ssl_cert_file')
  if [[ $file != /* ]]; then file=$DATA/$file; fi
  if [[ -e $file ]]; then return 0; fi
  if [[ $file != "$DATA/server.crt" ]]; then
    fail ConfigurationRefused "ssl_cert_file of PostgreSQL on $NODE is $file, which does not exist." \
      'Put the certificate there, or reset ssl_cert_file and ssl_key_file.'
  fi
  make_certificate "$DATA"
  changed=true
}
