# The list of services and what stands in its cells.

column-service = 서비스
column-namespace = 네임스페이스
column-port = 포트
column-metallb = MetalLB IP
column-cluster-ip = ClusterIP
column-pods = 파드
column-local = 로컬 주소
column-state = 상태
list-sort-by = { $column } 기준 정렬

state-off = 꺼짐
state-starting = 시작하는 중
state-binding = 포트 여는 중
state-resolving = 주소 찾는 중
state-dialing = 연결 중
state-asking = 질문 있음
state-proving = 확인 중
state-open = 열림
state-elsewhere = 다른 클러스터
state-retry-in = { $time } 뒤 재시도
state-waiting = 대기 중
state-not-tunnellable = 터널 불가

row-port = { $service } 포트 { $port }
row-forward = 포워딩 { $number }
row-not-tcp = 포트 { $port }번은 { $protocol }인데, SSH는 TCP만 나를 수 있습니다.
row-no-port = 이 서비스에는 포트가 없습니다.
row-copy-address = 로컬 주소 복사
row-favourite = 즐겨찾기에 넣기
cell-terminating = 종료 중
cell-pending = 대기(Pending)
cell-from-pool = 풀 { $pool }에서 받음
cell-announced-by = { $node }에서 알림 ({ $protocol })
cell-port-to = { $protocol } 포트 { $port } → { $target }
cell-node-port = NodePort { $port }
pods-ready-of = { $ready }/{ $all } 준비됨
pods-none = 이 서비스 뒤에 파드가 없습니다.
pods-more = 외 { $count }개
pod-node-unknown = 노드 알 수 없음
pod-not-ready = 준비 안 됨

empty-off = 보고 있는 클러스터가 없습니다
empty-off-hint = kubeconfig(KUBECONFIG, ~/.kube/config 또는 --kubeconfig)로 Adit를 시작하거나, 다음 명령으로 체험해 보세요: adit demo
empty-loading = 클러스터를 읽는 중
empty-loading-hint = 다 읽는 대로 목록이 나타납니다.
empty-stop = 읽기 멈추기
empty-stopped = 클러스터 읽기를 멈췄습니다
empty-stopped-hint = 다시 읽기 전에는 서비스를 알 수 없습니다.
empty-read-again = 다시 읽기
empty-live = LoadBalancer 서비스가 없습니다
empty-others = 다른 유형의 서비스 { $count }개 보기
empty-live-hint = 볼 수 있는 서비스가 클러스터에 없습니다. 새로 생기면 바로 여기에 나타납니다.
empty-stale = 클러스터에 연결할 수 없습니다
empty-through = { $host } 호스트를 거쳐 연결
empty-failed = 클러스터를 볼 수 없습니다
empty-no-match = 찾은 것이 없습니다
empty-no-match-hint = "{ $query }"에 맞는 서비스, 주소, 파드, 상태가 없습니다.

column-switch = 스위치
column-traffic = 전송량
cell-favourite = 즐겨찾기 { $service }
cell-traffic = 받음 ↓ { $down }, 보냄 ↑ { $up }
list-columns = 열 선택
list-column-width = { $column } 열 너비
list-reset-columns = 열을 처음대로
list-group = 네임스페이스로 묶기
list-ungroup = 묶지 않기
empty-clear-filters = 필터 지우기
empty-no-match-filter = 필터에 맞는 포트가 없습니다.

filter-all = 전체
filter-open = 열림
filter-on-the-way = 진행 중
filter-need-you = 확인 필요
filter-off = 꺼짐
filter-show = 보기: { $filter }
filter-every-namespace = 모든 네임스페이스
filter-types = 유형
filter-types-hint = LoadBalancer 서비스는 항상 보입니다. 다른 유형도 함께 볼 수 있습니다.

group-favourites = 즐겨찾기
group-no-namespace = 직접 만든 터널
group-open-all = 모두 열기
group-close-all = 모두 닫기
group-open-all-of = { $group } 모두 열기
group-close-all-of = { $group } 모두 닫기

marked-count = { $count }개 선택됨
marked-open = { $count }개 열기
marked-close = { $count }개 닫기
marked-favourite = 즐겨찾기에 넣기
marked-no-favourite = 즐겨찾기에서 빼기
marked-clear = 선택 해제

gaps-not-allowed = 볼 권한이 없음 ({ $count }): { $names }
strip-copy-role = 권한을 주는 Role 복사
gaps-no-metallb = 이 클러스터에 MetalLB가 없어서 LoadBalancer 서비스가 주소를 계속 받지 못합니다.
gaps-close = 치우기
gaps-stale = 보이는 내용이 최신이 아닐 수 있습니다: { $reason }
group-name = { $group } 묶음
