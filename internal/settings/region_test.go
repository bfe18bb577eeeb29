package settings_test

import (
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/settings"
)

func TestRegionForms(t *testing.T) {
	for _, form := range []string{
		"mypurecloud.ie", "api.mypurecloud.ie", "login.mypurecloud.ie", "apps.mypurecloud.ie", " MyPureCloud.IE ",
		"https://mypurecloud.ie", "https://api.mypurecloud.ie", "https://login.mypurecloud.ie/", "HTTPS://API.mypurecloud.ie", "mypurecloud.ie.",
	} {
		loaded := load(t, "GENESYS_REGION_HOST="+form)
		if loaded.Region != "mypurecloud.ie" || loaded.APIURL != "https://api.mypurecloud.ie" || loaded.LoginURL != "https://login.mypurecloud.ie" {
			t.Errorf("%q: region %q, API %q, login %q", form, loaded.Region, loaded.APIURL, loaded.LoginURL)
		}
	}
}

func TestEveryRegionIsKnown(t *testing.T) {
	domains := []string{
		"mypurecloud.com", "use2.us-gov-pure.cloud", "usw2.pure.cloud", "cac1.pure.cloud", "sae1.pure.cloud", "mxc1.pure.cloud",
		"mypurecloud.ie", "euw2.pure.cloud", "mypurecloud.de", "euc2.pure.cloud", "edee1.eusc-pure.cloud", "mec1.pure.cloud",
		"aps1.pure.cloud", "apse1.pure.cloud", "mypurecloud.com.au", "mypurecloud.jp", "apne2.pure.cloud", "apne3.pure.cloud",
	}
	for _, domain := range domains {
		if got := load(t, "GENESYS_REGION_HOST=api."+domain).Region; got != settings.Region(domain) || !got.Known() {
			t.Errorf("%s: region %q, known %t", domain, got, got.Known())
		}
	}
}

func TestWrongRegions(t *testing.T) {
	for value, want := range map[string]string{
		"http://api.mypurecloud.ie":      "must be the domain",
		"https://api.mypurecloud.ie/api": "must be the domain",
		"https://u:p@api.mypurecloud.ie": "must be the domain",
		"api.mypurecloud.ie:443":         "must be the domain",
		"mypurecloud":                    "must be the domain",
		"-x.example":                     "must be the domain",
		"a b.example":                    "must be the domain",
		"eu-west-1":                      "the domain of eu-west-1 is mypurecloud.ie",
		"mypurecloud.it":                 "did you mean mypurecloud.ie?",
		"api.euw9.pure.cloud":            "did you mean euw2.pure.cloud?",
		"platform.example":               "must be a known region, or GENESYS_ALLOW_UNKNOWN_REGION=true",
	} {
		found := problems(t, "GENESYS_REGION_HOST="+value)
		if len(found) != 1 || found[0].Variable != "GENESYS_REGION_HOST" || !strings.Contains(found[0].Message, want) {
			t.Errorf("%q: problems %v, want one with %q", value, found, want)
		}
	}
}

func TestUnknownRegionByPermission(t *testing.T) {
	loaded := load(t, "GENESYS_REGION_HOST=api.platform.example", "GENESYS_ALLOW_UNKNOWN_REGION=true")
	if loaded.Region != "platform.example" || loaded.Region.Known() || loaded.APIURL != "https://api.platform.example" {
		t.Errorf("region %q, known %t, API %q", loaded.Region, loaded.Region.Known(), loaded.APIURL)
	}
}

func TestOverridesReplaceTheURLsOfTheRegion(t *testing.T) {
	loaded := load(t, "GENESYS_API_URL=http://127.0.0.1:9000/", "GENESYS_LOGIN_URL=https://gw.example/login/")
	if loaded.APIURL != "http://127.0.0.1:9000" || loaded.LoginURL != "https://gw.example/login" || loaded.Region != "mypurecloud.ie" {
		t.Errorf("API %q, login %q, region %q", loaded.APIURL, loaded.LoginURL, loaded.Region)
	}
}
