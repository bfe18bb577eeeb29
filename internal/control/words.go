package control

import (
	"github.com/recorderbridge/genesys-ingestor/api/recording"
	"github.com/recorderbridge/genesys-ingestor/internal/call"
)

func directionOf(s string) recording.Direction {
	switch s {
	case "inbound":
		return recording.Inbound
	case "outbound":
		return recording.Outbound
	default:
		return ""
	}
}

func kindOf(k call.ConversationKind) recording.Kind {
	switch k {
	case call.KindInternal:
		return recording.Internal
	case call.KindConsult:
		return recording.Consult
	case call.KindDirect:
		return recording.Direct
	case call.KindACD:
		return recording.ACD
	case call.KindCallback:
		return recording.Callback
	case call.KindCampaign:
		return recording.Campaign
	default:
		return ""
	}
}

func kindFrom(k recording.Kind) call.ConversationKind {
	for _, c := range []call.ConversationKind{
		call.KindInternal, call.KindConsult, call.KindDirect, call.KindACD, call.KindCallback, call.KindCampaign,
	} {
		if kindOf(c) == k {
			return c
		}
	}
	return call.KindUnknown
}

func roleOf(r call.Role) recording.Role {
	switch r {
	case call.RoleConsultTarget:
		return recording.RoleConsultTarget
	case call.RoleMonitor:
		return recording.RoleMonitor
	case call.RoleCoach:
		return recording.RoleCoach
	case call.RoleBarge:
		return recording.RoleBarge
	default:
		return recording.RoleAgent
	}
}

func roleFrom(r recording.Role) call.Role {
	for _, c := range []call.Role{call.RoleConsultTarget, call.RoleMonitor, call.RoleCoach, call.RoleBarge} {
		if roleOf(c) == r {
			return c
		}
	}
	return call.RoleAgent
}
