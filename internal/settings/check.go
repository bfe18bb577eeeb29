package settings

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// check completes the decoded settings and checks them, first each for itself,
// then those that depend on each other. What failed to decode is not checked.
func (l *loader) check() {
	for _, f := range l.fields {
		if !l.reported(f.variable) {
			l.checkOne(f)
		}
	}
	l.checkGenesys()
	l.checkNATS()
	s := &l.settings
	if s.DataSource == "" {
		s.DataSource = s.AdapterName
	}
	if s.InstanceID == "" {
		s.InstanceID = instanceFromHost()
	}
}

// checkOne normalises and checks a single setting.
func (l *loader) checkOne(f field) {
	target := reflect.ValueOf(&l.settings).Elem().Field(f.index)
	if !f.within(target.Interface()) {
		l.reject(f)
		return
	}
	switch value := target.Interface().(type) {
	case Secret:
		if strings.ContainsFunc(value.Reveal(), unicode.IsControl) {
			l.problem(f.variable, "", "must not hold line breaks or other control characters")
		} else if f.form == "proxy" && value.IsSet() && !isProxy(value.Reveal()) {
			l.reject(f)
		}
	case []string:
		list := normaliseList(value, f.form)
		target.Set(reflect.ValueOf(list))
		if !allowedList(list, f.form) {
			l.reject(f)
		}
	case string:
		if value == "" {
			return
		}
		if f.form == "file" {
			if err := readable(value); err != nil {
				l.problem(f.variable, value, f.demand()+": "+plain(err).Error())
			}
		} else if !l.allowedText(value, f.form) {
			l.reject(f)
		}
	case int:
		if f.form == "replicas" && value%2 == 0 {
			l.reject(f)
		}
	}
}

// readable opens a file to find out whether it can be read.
func readable(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	_, err = file.Read(make([]byte, 1)) // a directory can be opened
	if errors.Is(err, io.EOF) {
		return errEmpty
	}
	return err
}

// allowedText checks a value that is set.
func (l *loader) allowedText(value, form string) bool {
	switch form {
	case "name":
		return regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`).MatchString(value)
	case "instance":
		return regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`).MatchString(value)
	case "text":
		return len(value) <= 256 && !strings.ContainsFunc(value, notPrintable)
	case "url":
		return isBaseURL(value, l.settings.AllowInsecure)
	case "listen":
		_, port, err := net.SplitHostPort(value)
		number, errPort := strconv.Atoi(port)
		return err == nil && errPort == nil && number >= 0 && number <= 65535
	default:
		return true
	}
}

// checkGenesys checks what the settings of the platform demand of each other.
func (l *loader) checkGenesys() {
	s := &l.settings
	const variable = "GENESYS_REGION_HOST"
	hint := regionHint(strings.TrimSpace(l.given[variable]))
	if i := slices.IndexFunc(l.problems, func(p Problem) bool { return p.Variable == variable }); i >= 0 {
		if hint != "" {
			l.problems[i].Message += "; " + hint
		}
		return
	}
	if s.Region == "" {
		return
	}
	if !s.Region.Known() && !s.AllowUnknownRegion {
		message := "must be a known region, or GENESYS_ALLOW_UNKNOWN_REGION=true"
		if hint = regionHint(string(s.Region)); hint != "" {
			message += "; " + hint
		}
		l.problem(variable, l.given[variable], message)
	}
	s.APIURL = baseURL(s.APIURL, s.Region.APIURL())
	s.LoginURL = baseURL(s.LoginURL, s.Region.LoginURL())
}

// baseURL returns an override without the slash at its end, or the URL of the
// region.
func baseURL(override, region string) string {
	if override == "" {
		return region
	}
	return strings.TrimRight(override, "/")
}

// checkNATS checks what the settings of the broker demand of each other.
func (l *loader) checkNATS() {
	s := &l.settings
	if (s.NATSUser == "") != !s.NATSPassword.IsSet() && !l.reported("NATS_PASSWORD_FILE") {
		l.problem("NATS_USER", s.NATSUser, "must be set together with NATS_PASSWORD or NATS_PASSWORD_FILE")
	}
	if (s.NATSTLSCertFile == "") != (s.NATSTLSKeyFile == "") {
		l.problem("NATS_TLS_CERT_FILE", s.NATSTLSCertFile, "must be set together with NATS_TLS_KEY_FILE")
	}
	var kinds []string
	for _, kind := range []struct {
		variable string
		set      bool
	}{
		{"NATS_CREDS_FILE", s.NATSCredsFile != ""},
		{"NATS_NKEY_SEED_FILE", s.NATSNKeySeedFile != ""},
		{"NATS_USER", s.NATSUser != ""},
		{"NATS_TOKEN", s.NATSToken.IsSet()},
	} {
		if kind.set {
			kinds = append(kinds, kind.variable)
		}
	}
	if len(kinds) > 1 {
		l.problem(kinds[0], "", "only one way to authenticate can be used, and these are set: "+strings.Join(kinds, ", "))
	}
	if !l.reported("NATS_MAX_AGE") && !l.reported("REFRESH_INTERVAL") && s.NATSMaxAge < 2*s.RefreshInterval {
		l.problem("NATS_MAX_AGE", l.given["NATS_MAX_AGE"],
			"must be at least twice REFRESH_INTERVAL ("+s.RefreshInterval.String()+"): open calls would vanish from the stream before they are refreshed")
	}
}

// normaliseList trims the elements and drops empty and repeated ones.
func normaliseList(list []string, form string) []string {
	var clean []string
	for _, element := range list {
		element = strings.TrimSpace(element)
		switch {
		case form == "purposes":
			element = strings.ToLower(element)
		case form == "nats" && element != "" && !strings.Contains(element, "://"):
			element = "nats://" + element
		}
		if element != "" && !slices.Contains(clean, element) {
			clean = append(clean, element)
		}
	}
	return clean
}

// allowedList checks the elements of a list.
func allowedList(list []string, form string) bool {
	switch form {
	case "ids":
		id := regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
		return !slices.ContainsFunc(list, func(s string) bool { return !id.MatchString(s) })
	case "purposes":
		purposes := []string{"agent", "user", "customer", "external", "dialer", "group", "station"}
		return len(list) > 0 && !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(purposes, s) })
	case "tags":
		return len(list) <= 64 && !slices.ContainsFunc(list, func(s string) bool {
			return len(s) > 128 || strings.ContainsFunc(s, notPrintable)
		})
	case "nats":
		return len(list) > 0 && !slices.ContainsFunc(list, func(s string) bool { return !isServerURL(s) })
	default:
		return true
	}
}

func notPrintable(r rune) bool { return !unicode.IsPrint(r) }

// isBaseURL tells whether REST calls may go to a URL.
func isBaseURL(value string, insecure bool) bool {
	parsed, err := url.Parse(value)
	if err != nil || parsed.Hostname() == "" || parsed.User != nil || strings.ContainsAny(value, "?#") {
		return false
	}
	switch parsed.Scheme {
	case "https":
		return true
	case "http":
		return insecure || isLoopback(parsed.Hostname())
	default:
		return false
	}
}

// isLoopback tells whether a host is this one by its name alone: no resolver is
// asked, because its answer may change.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

func isProxy(value string) bool {
	parsed, err := url.Parse(value)
	return err == nil && parsed.Hostname() != "" && slices.Contains([]string{"http", "https", "socks5"}, parsed.Scheme)
}

func isServerURL(value string) bool {
	parsed, err := url.Parse(value)
	return err == nil && parsed.Hostname() != "" && parsed.User == nil &&
		slices.Contains([]string{"nats", "tls", "ws", "wss"}, parsed.Scheme)
}

// instanceFromHost derives the name of the instance from that of the host.
func instanceFromHost() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		return "instance"
	}
	host = regexp.MustCompile(`[^A-Za-z0-9._-]`).ReplaceAllString(host, "-")
	return host[:min(len(host), 64)]
}
