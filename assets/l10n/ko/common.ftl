# Words that several parts of the window share.

app-name = Adit
copy-address-of = { $service } 주소 복사
copy-problem = 문제 내용 복사
copy-finding = 복사: { $what }
try-again = 다시 시도
cancel = 취소
continue = 계속
none = 없음
open-url = { $url } 열기

nav-services = 서비스
nav-map = 주소 지도
nav-hosts = 호스트
nav-settings = 설정

bar-search = 검색
bar-search-name = 서비스 검색
bar-clear-search = 검색어 지우기
bar-host = SSH 호스트
bar-no-host = SSH 호스트 없음
bar-no-host-hint = 호스트를 추가하세요: ssh 명령 붙여넣기, 가져오기, 직접 입력.
bar-theme-system = 테마: 시스템과 같게
bar-theme-light = 테마: 밝게
bar-theme-dark = 테마: 어둡게

cluster-off = 클러스터 없음
cluster-loading = 읽는 중
cluster-stopped = 멈춤
cluster-stop = 클러스터 읽기 멈추기
cluster-live = 실시간
cluster-stale = 오래된 정보
cluster-failed = 실패
cluster-state = 클러스터 보기: { $state }.

link-idle = 대기
link-connecting = 연결 중
link-asks = 질문 있음
link-up = 연결됨
link-waiting = 재시도 중
link-failed = 실패
link-logged-in = 로그인 방법: { $way }
link-when-needed = 터널이 필요로 할 때 바로 연결합니다.
link-connecting-to = { $hop } 연결 중
link-question = 답을 기다리는 질문이 있습니다.

status-ports = 포트 { $count }개
status-ports-of = 포트 { $count }개 중 { $shown }개
status-open = 열림 { $count }
status-on-the-way = 진행 중 { $count }
status-need-you = 확인 필요 { $count }
notices-copy = 알림 복사
notices-close = 알림 치우기
notices-before = { $text } (이전 알림 { $count }개)
notices-ago = { $time } 전

time-moment = 1분 미만
time-minutes = { $minutes }분
time-hours = { $hours }시간 { $minutes }분
time-seconds = { $seconds }초
rate-each-second = { $bytes }/초

close = 닫기
copied = 복사됨
