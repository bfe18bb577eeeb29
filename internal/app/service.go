package app

import (
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go/micro"

	"github.com/recorderbridge/genesys-ingestor/api/recording"
)

// ServiceName is the name under which every instance offers its commands to the
// standard NATS tooling.
const ServiceName = "genesys-ingestor"

// service offers the commands of this instance: status, start, stop, restart and
// step-down, on ingestor.<adapter>.<instance>.<command>.
func (a *App) service() (micro.Service, error) {
	s, err := micro.AddService(a.nc, micro.Config{
		Name: ServiceName, Version: serviceVersion(a.opts.Version),
		Description: "Genesys Cloud call notifications to recorder control events",
		Metadata:    map[string]string{"adapter": a.set.AdapterName, "instance": a.set.InstanceID},
	})
	if err != nil {
		return nil, err
	}
	group := s.AddGroup(ServicePrefix(a.set.AdapterName, a.set.InstanceID), micro.WithGroupQueueGroupDisabled())
	for name, f := range map[string]func() (any, error){
		"status": func() (any, error) { return a.Status(), nil },
		"start":  func() (any, error) { a.Start(); return said("starting"), nil },
		"stop": func() (any, error) {
			time.AfterFunc(50*time.Millisecond, a.Stop)
			return said("handing over and stopping"), nil
		},
		"restart":   func() (any, error) { a.Restart("requested"); return said("restarting the session"), nil },
		"step-down": func() (any, error) { return a.stepDown(), nil },
	} {
		if err := group.AddEndpoint(name, micro.HandlerFunc(func(r micro.Request) { answer(r, f) })); err != nil {
			_ = s.Stop()
			return nil, err
		}
	}
	return s, nil
}

// ServicePrefix is the subject before the name of a command.
func ServicePrefix(adapter, instance string) string {
	return "ingestor." + recording.AdapterToken(adapter) + "." + recording.Token(instance)
}

func (a *App) stepDown() any {
	if other, ok := a.peers.other(time.Now()); !ok || !other.Ready {
		return said("no other instance is ready to take over")
	}
	if !a.yield("asked to step down") {
		return said("not leading")
	}
	return said("stepping down")
}

func said(s string) map[string]string { return map[string]string{"result": s} }

func answer(r micro.Request, f func() (any, error)) {
	v, err := f()
	if err == nil {
		var data []byte
		if data, err = json.Marshal(v); err == nil {
			_ = r.Respond(data)
			return
		}
	}
	_ = r.Error("500", err.Error(), nil)
}

// serviceVersion makes a version that the service framework accepts: semantic.
func serviceVersion(v string) string {
	if len(v) > 1 && v[0] == 'v' && v[1] >= '0' && v[1] <= '9' {
		return v[1:]
	}
	return "0.0.0"
}
