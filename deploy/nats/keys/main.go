// Command keys makes everything secret that deploy/nats needs, for a trial or for a
// small installation without a certificate authority of its own:
//
//	go run ./deploy/nats/keys -out secrets -hosts nats-1,nats-2,nats-3
//
// It writes an authority, one certificate for all servers, an nkey for each role and a
// password for recorders. Servers get public keys only, in nats.env; the seeds and the
// password stay with who uses them. Nothing that exists is overwritten, so that a
// second run cannot lock anybody out.
//
// The directory is for its owner alone. The files in it can be read by everybody who
// can enter it: a container that one of them is mounted into runs as another user.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nkeys"
)

// lifetime of the certificates. There is no renewal: run the command again into an
// empty directory, and replace all of it.
const lifetime = 2 * 365 * 24 * time.Hour

// roles that have an nkey, with the variable of nats.env that holds its public half.
func roles() [][2]string {
	return [][2]string{
		{"ingestor", "NATS_NKEY_INGESTOR"},
		{"provisioner", "NATS_NKEY_PROVISIONER"},
		{"operator", "NATS_NKEY_OPERATOR"},
		{"recorders-provisioner", "NATS_NKEY_RECORDERS_PROVISIONER"},
		{"system", "NATS_NKEY_SYSTEM"},
	}
}

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "keys: %v\n", err)
		os.Exit(1) //nolint:forbidigo // It is a command, beside what it is for.
	}
}

func run(args []string, stderr io.Writer) error {
	f := flag.NewFlagSet("keys", flag.ContinueOnError)
	f.SetOutput(stderr)
	out := f.String("out", "secrets", "directory to write; it must not exist, or be empty")
	hosts := f.String("hosts", "localhost,127.0.0.1", "`names` and addresses under which clients and servers reach the servers")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if there, err := os.ReadDir(*out); err == nil && len(there) > 0 {
		return fmt.Errorf("%s is not empty: nothing is overwritten", *out)
	}
	if err := os.MkdirAll(*out, 0o700); err != nil {
		return fmt.Errorf("make the directory: %w", err)
	}
	d := directory(*out)
	return errors.Join(d.certificates(strings.Split(*hosts, ",")), d.identities())
}

// directory is where the files go.
type directory string

func (d directory) write(name string, content []byte) error {
	if err := os.WriteFile(filepath.Join(string(d), name), content, 0o444); err != nil { //nolint:gosec // The directory is closed, see above.
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// identities writes the seeds, the password, and what the servers need of them.
func (d directory) identities() error {
	var env strings.Builder
	for _, role := range roles() {
		pair, err := nkeys.CreateUser()
		if err != nil {
			return fmt.Errorf("make the key of %s: %w", role[0], err)
		}
		seed, err := pair.Seed()
		if err != nil {
			return fmt.Errorf("make the key of %s: %w", role[0], err)
		}
		public, err := pair.PublicKey()
		if err != nil {
			return fmt.Errorf("make the key of %s: %w", role[0], err)
		}
		if err := d.write(role[0]+".nk", append(seed, '\n')); err != nil {
			return err
		}
		fmt.Fprintf(&env, "%s=%s\n", role[1], public)
	}
	// A word in front: the server would take digits alone for a number.
	password := "recorder-" + rand.Text()
	fmt.Fprintf(&env, "NATS_RECORDER_PASSWORD=%s\n", password)
	return errors.Join(d.write("recorder.password", []byte(password)), d.write("nats.env", []byte(env.String())))
}

// certificates writes an authority and a certificate of the servers, which they show
// to clients and to each other.
func (d directory) certificates(hosts []string) error {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the key of the authority: %w", err)
	}
	authority := template("genesys-ingestor NATS authority")
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return fmt.Errorf("sign the authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the key of the servers: %w", err)
	}
	servers := template("nats")
	servers.KeyUsage = x509.KeyUsageDigitalSignature
	servers.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, host := range hosts {
		if host = strings.TrimSpace(host); host == "" {
			return errors.New("-hosts has an empty name")
		}
		if ip := net.ParseIP(host); ip != nil {
			servers.IPAddresses = append(servers.IPAddresses, ip)
		} else {
			servers.DNSNames = append(servers.DNSNames, host)
		}
	}
	signed, err := x509.CreateCertificate(rand.Reader, servers, authority, key.Public(), authorityKey)
	if err != nil {
		return fmt.Errorf("sign the certificate of the servers: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode the key of the servers: %w", err)
	}
	return errors.Join(d.pem("ca.crt", "CERTIFICATE", der), d.pem("tls.crt", "CERTIFICATE", signed), d.pem("tls.key", "PRIVATE KEY", private))
}

func (d directory) pem(name, kind string, der []byte) error {
	return d.write(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func template(name string) *x509.Certificate {
	begin := time.Now().Add(-time.Hour) // clocks differ
	return &x509.Certificate{
		// The chance of two equal numbers of this length can be left aside.
		SerialNumber: new(big.Int).SetBytes([]byte(rand.Text()[:16])),
		Subject:      pkix.Name{CommonName: name}, NotBefore: begin, NotAfter: begin.Add(lifetime),
	}
}
