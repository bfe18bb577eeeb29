package settings

import (
	"net/url"
	"regexp"
	"strings"
)

// region is one row of the list of Genesys Cloud regions.
type region struct {
	aws    string // name of the AWS region, for operators who type that one
	domain string
}

// regions returns the regions that this version knows.
func regions() []region {
	return []region{
		{"us-east-1", "mypurecloud.com"},
		{"us-east-2", "use2.us-gov-pure.cloud"},
		{"us-west-2", "usw2.pure.cloud"},
		{"ca-central-1", "cac1.pure.cloud"},
		{"sa-east-1", "sae1.pure.cloud"},
		{"mx-central-1", "mxc1.pure.cloud"},
		{"eu-west-1", "mypurecloud.ie"},
		{"eu-west-2", "euw2.pure.cloud"},
		{"eu-central-1", "mypurecloud.de"},
		{"eu-central-2", "euc2.pure.cloud"},
		{"eusc-de-east-1", "edee1.eusc-pure.cloud"},
		{"me-central-1", "mec1.pure.cloud"},
		{"ap-south-1", "aps1.pure.cloud"},
		{"ap-southeast-1", "apse1.pure.cloud"},
		{"ap-southeast-2", "mypurecloud.com.au"},
		{"ap-northeast-1", "mypurecloud.jp"},
		{"ap-northeast-2", "apne2.pure.cloud"},
		{"ap-northeast-3", "apne3.pure.cloud"},
	}
}

// baseDomain reduces a host name or an https URL of a region to its domain.
func baseDomain(value string) (string, error) {
	host := strings.ToLower(value)
	if strings.Contains(host, "://") {
		parsed, err := url.Parse(host)
		if err != nil || parsed.Scheme != "https" || parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
			return "", errForm
		}
		if parsed.Path != "" && parsed.Path != "/" {
			return "", errForm
		}
		host = parsed.Host
	}
	host = strings.TrimSuffix(host, ".")
	for _, service := range []string{"api.", "login.", "apps."} {
		if rest, found := strings.CutPrefix(host, service); found {
			host = rest
			break
		}
	}
	const label = `[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?`
	if len(host) > 200 || !regexp.MustCompile(`^(`+label+`\.)+[a-z]`+`([a-z0-9-]{0,61}[a-z0-9])$`).MatchString(host) {
		return "", errForm
	}
	return host, nil
}

// regionHint helps an operator whose region is not known: with the domain that
// belongs to the name of an AWS region, or with the nearest domain.
func regionHint(value string) string {
	value = strings.ToLower(value)
	domains := make([]string, 0, len(regions()))
	for _, known := range regions() {
		if known.aws == value {
			return "the domain of " + known.aws + " is " + known.domain
		}
		domains = append(domains, known.domain)
	}
	if near := nearest(value, domains); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}
