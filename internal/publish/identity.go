package publish

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/nats.go"
)

// identityOptions turns who we are into client options. Every file is read once
// here, so that a bad one is reported now and by name; the client reads it again
// at each connect, so that a rotated one is picked up.
func identityOptions(o ConnectOptions) ([]nats.Option, error) {
	var opts []nats.Option
	var errs []error
	var ways []string
	add := func(way string, opt nats.Option, err error) {
		ways = append(ways, way)
		if err != nil {
			errs = append(errs, err)
			return
		}
		opts = append(opts, opt)
	}
	if o.CredsFile != "" {
		opt, err := credsOption(o.CredsFile)
		add("credentials file", opt, err)
	}
	if o.NKeySeedFile != "" {
		opt, err := nats.NkeyOptionFromSeed(o.NKeySeedFile)
		if err != nil {
			err = fmt.Errorf("nkey seed file %s: %w", o.NKeySeedFile, err)
		}
		add("nkey seed file", opt, err)
	}
	if o.User != "" {
		add("user", nats.UserInfo(o.User, o.Password), nil)
	} else if o.Password != "" {
		errs = append(errs, errors.New("password without user"))
	}
	if o.Token != "" {
		add("token", nats.Token(o.Token), nil)
	}
	if len(ways) > 1 {
		errs = append(errs, fmt.Errorf("more than one way to log in: %s; set only one", strings.Join(ways, ", ")))
	}
	tlsOpts, err := tlsOptions(o)
	if err != nil {
		errs = append(errs, err)
	}
	return append(opts, tlsOpts...), errors.Join(errs...)
}

// credsOption reads the user's JWT and signs a probe with the seed, which are the
// two things the client will do at each connect.
func credsOption(file string) (nats.Option, error) {
	opt := nats.UserCredentials(file)
	var probe nats.Options
	if err := opt(&probe); err != nil {
		return nil, fmt.Errorf("credentials file %s: %w", file, err)
	}
	if _, err := probe.UserJWT(); err != nil {
		return nil, fmt.Errorf("credentials file %s: read user JWT: %w", file, err)
	}
	if _, err := probe.SignatureCB([]byte("probe")); err != nil {
		return nil, fmt.Errorf("credentials file %s: read seed: %w", file, err)
	}
	return opt, nil
}

// tlsOptions checks the certificate files and hands their names to the client.
func tlsOptions(o ConnectOptions) ([]nats.Option, error) {
	var opts []nats.Option
	var errs []error
	if o.TLSCAFile != "" {
		pem, err := os.ReadFile(o.TLSCAFile)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("TLS CA file: %w", err))
		case !x509.NewCertPool().AppendCertsFromPEM(pem):
			errs = append(errs, fmt.Errorf("TLS CA file %s: no PEM certificate in it", o.TLSCAFile))
		default:
			opts = append(opts, nats.RootCAs(o.TLSCAFile))
		}
	}
	if (o.TLSCertFile == "") != (o.TLSKeyFile == "") {
		errs = append(errs, errors.New("TLS certificate and key file: set both or neither"))
	} else if o.TLSCertFile != "" {
		if _, err := tls.LoadX509KeyPair(o.TLSCertFile, o.TLSKeyFile); err != nil {
			errs = append(errs, fmt.Errorf("TLS certificate %s with key %s: %w", o.TLSCertFile, o.TLSKeyFile, err))
		} else {
			opts = append(opts, nats.ClientCert(o.TLSCertFile, o.TLSKeyFile))
		}
	}
	return opts, errors.Join(errs...)
}
