//go:build chromium

package app_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/recorderbridge/genesys-ingestor/internal/natstest"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// The status page in a real browser: it loads without a complaint, shows both instances
// and what is going on, changes by itself, says when it is old, and is readable on a
// phone and on a desk, in the dark and in the light.
func TestStatusPageInABrowser(t *testing.T) {
	b := newBrowser(t)
	s := newSite(t, simulator.Options{Users: 8})
	one := s.start("one", "RECORD_PAUSE_ON_HOLD=true", "ADAPTER_DESCRIPTION=Contact center north").ready(t).leads(t).calm(t)
	two := s.start("two", "RECORD_PAUSE_ON_HOLD=true").ready(t)
	natstest.Eventually(t, "the instances know each other", func() bool { return one.Status().Peer != nil && two.Status().Peer != nil })
	c := s.org.Call(simulator.Inbound{})
	leg := c.Alert(s.org.Users()[0])
	leg.Answer()
	s.expect(leg.ID(), "prepare/delivered/armed", "start/established/recording")

	b.screen(1280, 900, "light")
	b.open("http://" + one.Addr() + "/")
	shows := func(what, where, text string) {
		t.Helper()
		natstest.Eventually(t, what, func() bool {
			return strings.Contains(eval[string](b, `(document.getElementById("`+where+`") || {innerText: ""}).innerText`), text)
		})
	}
	shows("it is ready", "state", "Ready: everybody is observed")
	shows("this instance leads", "instances", "primary (this one)")
	shows("the other instance follows", "instances", "secondary")
	shows("the open leg is listed", "legs", leg.ID())
	shows("it is recorded", "legs", "recording")
	shows("the channel is open", "channels", "open")
	shows("the gap of the start is listed", "gaps", "started")

	leg.Hold()
	shows("the leg is paused while nobody touches the page", "legs", "paused: hold")
	shows("the events are plotted", "plot-at", "peak 0.")
	eval[bool](b, `document.querySelector("details").open = true`)
	if n := eval[int](b, `document.querySelectorAll("#plot polyline").length`); n != 1 {
		t.Errorf("the plot has %d curves", n)
	}
	for _, width := range []int{360, 768, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.screen(width, 800, scheme)
			look(t, b, width, scheme)
			b.shoot(fmt.Sprintf("status-%d-%s", width, scheme))
		}
	}
	text := eval[string](b, "document.documentElement.outerHTML")
	for _, private := range []string{"tel:", "sip:", "+1", "Agent 0"} {
		if strings.Contains(text, private) {
			t.Errorf("the page shows %q", private)
		}
	}
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the browser complains: %v", complaints)
	}
	leg.Retrieve()
	c.Hangup("peer")
	shows("the leg is not listed any more", "legs", "No open leg.")
	if err := one.stop(); err != nil {
		t.Fatal(err)
	}
	shows("the values are said to be old", "state", "This page shows old values")
	b.open("http://" + two.Addr() + "/")
	shows("the other instance leads", "instances", "primary (this one)")
	shows("nobody could take over", "instances", "No other instance reports itself")

	// Trouble is readable too.
	s.nats.Stop() // before the gap, or the stream may hold it
	for _, fault := range []simulator.Fault{{Kind: simulator.FaultREST, Path: "/"}, {Kind: simulator.FaultCut}} {
		if _, err := s.org.Inject(fault); err != nil {
			t.Fatal(err)
		}
	}
	shows("it is not ready", "state", "Not ready: NATS")
	shows("nobody is observed", "tiles", "0 of 8")
	shows("NATS is away", "tiles", "not connected")
	shows("the gap is told, though not in the stream", "gaps", "Open on this instance, and not in the stream: 1.")
	for _, width := range []int{360, 768, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.screen(width, 800, scheme)
			look(t, b, width, scheme)
			b.shoot(fmt.Sprintf("trouble-%d-%s", width, scheme))
		}
	}
	if err := s.nats.Start(); err != nil {
		t.Fatal(err)
	}
}

// look checks what the eye would: nothing is cut off, all tables have headers, texts
// stand out from what is behind them, and nothing is said by color alone.
func look(t *testing.T, b *browser, width int, scheme string) {
	t.Helper()
	if over := eval[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
		t.Errorf("%d wide, %s: the page is %d pixels too wide", width, scheme, over)
	}
	if cut := eval[string](b, `[...document.querySelectorAll("main *")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1 && !e.closest("thead")).map((e) => e.outerHTML.slice(0, 80)).join("\n")`); cut != "" {
		t.Errorf("%d wide, %s: cut off at the right:\n%s", width, scheme, cut)
	}
	if cut := eval[string](b, `[...document.querySelectorAll(".tiles dd, td, #state")].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent.slice(0, 80)).join("\n")`); cut != "" {
		t.Errorf("%d wide, %s: runs out of its box:\n%s", width, scheme, cut)
	}
	if bare := eval[int](b, `[...document.querySelectorAll("table")].filter((e) => !e.querySelector("th[scope=col]") || !e.getAttribute("aria-labelledby")).length`); bare > 0 {
		t.Errorf("%d tables have no headers or no name", bare)
	}
	if mute := eval[int](b, `[...document.querySelectorAll(".ok, .warn, .bad")].filter((e) => !/[A-Za-z0-9]/.test(e.textContent)).length`); mute > 0 {
		t.Errorf("%d marks are only a color", mute)
	}
	// WCAG: 4.5 to 1 for text.
	pale := eval[string](b, `(() => {
		const parse = (c) => c.match(/[\d.]+/g).map(Number);
		const light = (c) => { const [r, g, b] = parse(c).map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
		const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (parse(c)[3] !== 0) return c; } return "rgb(255, 255, 255)"; };
		return [...document.querySelectorAll("h1, h2, p, dt, dd, td span, th, a, summary, .axis span")].filter((e) => e.textContent.trim() && e.offsetParent).map((e) => {
			const a = light(getComputedStyle(e).color), b = light(behind(e));
			return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.textContent.trim().slice(0, 30)];
		}).filter(([ratio]) => ratio < 4.5).map(String).join("\n");
	})()`)
	if pale != "" {
		t.Errorf("%d wide, %s: too little contrast:\n%s", width, scheme, pale)
	}
}

// Screenshots of a page that is given, for the eye: STATUS_PAGE is its address.
func TestShootStatusPage(t *testing.T) {
	address := os.Getenv("STATUS_PAGE")
	if address == "" {
		address = "http://" + newSite(t, simulator.Options{}).start("one").ready(t).Addr() + "/"
	}
	b := newBrowser(t)
	b.open(address)
	natstest.Eventually(t, "the page is filled", func() bool { return eval[int](b, `document.querySelectorAll("#instances td").length`) > 0 })
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int{360, 1280} {
			b.screen(width, 900, scheme)
			look(t, b, width, scheme)
			b.shoot(fmt.Sprintf("given-%d-%s", width, scheme))
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
