. lib/command.sh
. lib/json.sh
. lib/foreign.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/settings.sh
. lib/hba.sh
. lib/tls.sh
. lib/node-configuration.sh
. lib/standby-names.sh
. lib/promotion.sh

# Gives a standby what it needs as a primary: slots, what every node has, and the rule for its commits. The primary still
# runs: what cannot be put right here is a reason not to replace it.
main() {
  changed=false
  guard
  require_server
  prepare_promotion
  succeed "$(json_object bool changed "$changed")"
}
