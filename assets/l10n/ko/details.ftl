# The details of a row, and the diagram.

details-close = 상세 정보 닫기
details-way = 경로
details-open-browser = 브라우저에서 열기
details-open = 터널 열기
details-close-tunnel = 터널 닫기
details-copy-url = URL 복사
details-would-be = 열면 { $local }에서 쓸 수 있습니다.
details-use-port = 포트 { $port } 쓰기
details-route = 경로 선택
details-route-auto = 자동
details-route-name = 경로 { $route }
details-route-because = { $route }: { $reason }
details-route-planned = { $route } (열기 전에 알 수 있는 한에서)
details-route-none = 아직 경로가 없습니다. 서비스에 필요한 것이 없습니다

sentence-off = 닫혀 있습니다. 이 컴퓨터에서 기다리는 포트가 없습니다.
sentence-binding = 로컬 포트 { JOSA($local, "을/를") } 여는 중입니다.
sentence-resolving = 서비스의 주소를 찾는 중입니다.
sentence-dialing = { $hop }에 연결하는 중입니다.
sentence-asking = 답을 기다리는 질문이 있습니다.
sentence-proving = 연결되었습니다. 서비스가 응답하는지 확인하는 중입니다.
sentence-open = { $time } 동안 열려 있습니다.
sentence-waiting = 동작하지 않습니다. { $time } 뒤에 다시 시도합니다 ({ $attempt }번째).
sentence-waiting-cluster = 동작하지 않습니다. 클러스터가 바뀌면 이어서 진행합니다.
sentence-failed = 동작하지 않습니다. 확인이 필요합니다.

facts-title = 정보
facts-metallb = MetalLB IP
facts-host-name = 호스트 이름
facts-pool = 풀
facts-announced-by = 알리는 노드
facts-cluster-ip = ClusterIP
facts-pods = 파드
facts-class = 클래스
facts-ssh-host = SSH 호스트
facts-server = 서버
facts-cipher = 암호
facts-traffic = 전송량
facts-connections = 연결
facts-connections-count = 지금 { $now }개, 모두 { $all }개
facts-refused = 거절됨
facts-now = 지금
facts-by-hand = 같은 일을 하는 명령
facts-copy-command = ssh 명령 복사

diagram-copied = { $text } 복사됨
diagram-copy-note = 복사: { $text }
diagram-note-hint = 클릭하면 복사
diagram-click-copies = 클릭하면 { $text } 복사

facts-kubectl = kubectl 명령
facts-copy-kubectl = kubectl 명령 복사
facts-local-port = 로컬 포트
facts-move = 이 포트로 옮기기

probe-start = 모든 구간 점검
probe-hint = 별도의 연결로 구간을 하나씩 시험하고, 어디서 왜 끊기는지 알려 줍니다.
probe-cancel = 멈추기
probe-way = 이 경로의 모든 구간 점검
probe-cancel-way = 구간 점검 멈추기
probe-copy-step = 끊긴 이유 복사: { $step }

connections-title = 연결
connections-more = 그 밖에 { $count }개
events-title = 이벤트
gaps-title = 볼 권한이 없는 것
gaps-copy-role = 권한을 주는 역할 복사

log-title = 기록
log-detail = 모두
log-info = 정보
log-warning = 경고
log-error = 오류
log-cluster = 클러스터:{" "}
log-ago = { $time } 전
log-empty = 기록이 없습니다.

probe-running = 구간을 하나씩 시험하는 중…
probe-works = 모든 구간이 동작합니다
probe-partly = { $routes } 경로로는 되지만, 안 되는 경로가 있습니다
probe-broken = 여기서 끊깁니다: { $hop }
probe-cancelled = 멈춤
probe-close = 점검 결과 치우기
probe-copy = 점검 결과 복사
probe-pods-left-out = 준비된 파드 { $count }개는 시험하지 않았습니다.

save-copy = 복사
save-save = 저장
save-svg = SVG 그림
save-png = PNG 그림
save-mermaid = Mermaid
save-text = 텍스트
save-done = { $path }에 저장됨
save-done-unasked = 파일 대화 상자가 없어서(xdg-desktop-portal 또는 zenity를 설치하면 생깁니다) { $path }에 저장했습니다
save-copy-path = 경로 복사
save-failed = 저장하지 못했습니다: { $reason }
