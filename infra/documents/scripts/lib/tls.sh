# The server's certificate: self-signed, since nodes authenticate by password and TLS is there for privacy.

# How a certificate of ours is told from one that the operator put there.
readonly CERTIFICATE_ORGANIZATION='PostgreSQL runbooks'

# make_certificate DIRECTORY: server.crt and server.key for this node, replacing what is there.
make_certificate() {
  local words
  if ! words=$(as_postgres_function create_certificate "$1" "$NODE" "$ADDRESS" "$CERTIFICATE_ORGANIZATION" 2>&1); then
    fail ConfigurationRefused "No TLS certificate could be made in $1: $words" \
      'Put server.crt and server.key into the data directory, or set replication.tls to false.'
  fi
}

# The address is an extension by configuration file: openssl before 1.1.1 knows no option for it. A key on an elliptic
# curve is as strong as RSA's and made at once; every client that knows TLS 1.2 takes it.
create_certificate() {
  local directory=$1
  openssl ecparam -name prime256v1 -genkey -noout -out "$directory/server.key.new"
  openssl req -x509 -new -key "$directory/server.key.new" -sha256 -days 7300 \
    -out "$directory/server.crt.new" -config <(
      printf '%s\n' '[req]' 'distinguished_name = name' 'x509_extensions = extensions' 'prompt = no' \
        '[name]' "O = $4" "CN = $2" '[extensions]' "subjectAltName = IP:$3"
    )
  mv -fT -- "$directory/server.key.new" "$directory/server.key"
  mv -fT -- "$directory/server.crt.new" "$directory/server.crt"
}

# Whether the certificate in a directory is one that a runbook made.
certificate_is_ours() {
  [[ -f $1/server.crt && $(as_postgres timeout -k 1 5 openssl x509 -noout -subject -in "$1/server.crt") == *"$CERTIFICATE_ORGANIZATION"* ]]
}
