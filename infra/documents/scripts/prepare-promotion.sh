. lib/command.sh
. lib/json.sh
. lib/host.sh
. lib/guard.sh
. lib/postgres.sh
. lib/service.sh
. lib/standby-names.sh
. lib/promotion.sh

# Gives a standby what it needs as a primary: slots, and the rule for its commits.
main() {
  changed=false
  guard
  require_server
  prepare_promotion
  succeed "$(json_object changed "$changed")"
}
